import { draw } from "./charts.js";
import { button, make } from "./dom.js";

/** A question with its answer, as the server told it. */
export function card(answer, onAsk) {
  const article = make("article", `turn turn-${answer.status}`);
  article.append(make("h2", "turn-question", answer.question), body(answer, onAsk));
  return article;
}

export function waiting(question) {
  const state = make("p", "turn-waiting", make("span", "spinner"), "Reading the question and the figures");
  return make("article", "turn", make("h2", "turn-question", question), make("div", "card turn-answer", state));
}

export function failed(question, words, onRetry) {
  const box = make("div", "card turn-answer", make("p", "turn-text", words), button("Ask again", "button quiet", onRetry));
  return make("article", "turn turn-failed", make("h2", "turn-question", question), box);
}

function body(answer, onAsk) {
  const box = make("div", "card turn-answer");
  if (answer.interpretation) box.append(make("p", "turn-reading", make("span", "turn-tag", "Read as"), answer.interpretation));
  box.append(text(answer));
  if (answer.note) box.append(make("p", "turn-note", answer.note));
  if (answer.choices.length) box.append(choices(answer, onAsk));
  const chart = draw(answer);
  if (chart) box.append(chart);
  if (answer.rows.length && (!answer.chart || answer.chart.type !== "kpi")) box.append(table(answer));
  if (answer.sql) box.append(sql(answer));
  box.append(foot(answer));
  return box;
}

/** The answer's words, with each figure that stands in the table set apart. */
function text(answer) {
  const words = answer.text;
  const measured = answer.columns.flatMap((column, at) => (column.role === "measure" ? answer.cells.map((row) => row[at]) : []));
  const figures = [...new Set(measured)].sort((a, b) => b.length - a.length).map((figure) => figure.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const paragraph = make("p", "turn-text");
  let from = 0;
  if (figures.length) {
    for (const found of words.matchAll(new RegExp(`(?<![\\w.,-])(?:${figures.join("|")})(?![\\w-]|[.,]\\d)`, "g"))) {
      paragraph.append(words.slice(from, found.index), make("strong", "figure", found[0]));
      from = found.index + found[0].length;
    }
  }
  paragraph.append(words.slice(from));
  return paragraph;
}

function choices(answer, onAsk) {
  const list = make("ul", "chips");
  for (const choice of answer.choices) list.append(make("li", "", button(choice.label, "chip", () => onAsk(choice.question))));
  return list;
}

function table(answer) {
  const head = make("tr");
  for (const column of answer.columns) {
    const cell = make("th", column.role === "measure" ? "number" : "", column.label);
    cell.scope = "col";
    head.append(cell);
  }
  const rows = make("tbody");
  for (const values of answer.cells) {
    const row = make("tr");
    values.forEach((value, at) => row.append(make("td", answer.columns[at].role === "measure" ? "number" : "", value)));
    rows.append(row);
  }
  const grid = make("table", "figures", make("caption", "visually-hidden", answer.interpretation), make("thead", "", head), rows);
  const frame = make("div", "figures-frame", grid);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Figures");
  return frame;
}

function sql(answer) {
  const bound = Object.entries(answer.params).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n");
  const copy = button("Copy", "button quiet copy", async () => {
    await navigator.clipboard.writeText(answer.sql);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  const frame = make("div", "sql-frame", copy, make("pre", "", make("code", "", answer.sql)));
  if (bound) frame.append(make("pre", "sql-params", bound));
  return make("details", "sql", make("summary", "", "SQL that was run"), frame);
}

function foot(answer) {
  const parts = [make("span", "badge", answer.engine)];
  if (answer.as_of) parts.push(make("span", "", `Data as of ${answer.as_of}`));
  if (answer.milliseconds) parts.push(make("span", "", `${Math.round(answer.milliseconds)} ms`));
  return make("p", "turn-foot", ...parts);
}
