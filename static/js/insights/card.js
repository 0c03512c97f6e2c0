// A question with its whole answer.

import { button, make } from "../live/kit/dom.js";
import { actions } from "./actions.js";
import { chart } from "./charts.js";
import { reading } from "./chips.js";
import { sql, trace } from "./detail.js";
import { grid } from "./grid.js";
import { prose } from "./prose.js";

/** ``page``: see actions.js, and ``ask({question, query?, edited?})``; ``fixed``: the reading cannot be changed here. */
export function card(answer, page) {
  const article = make("article", `turn turn-${answer.status}`, heading(answer.question), body(answer, page));
  article.dataset.message = answer.message ?? "";
  return article;
}

export function heading(question) {
  const title = make("h2", "turn-question", question);
  title.tabIndex = -1;
  return title;
}

export function failed(question, words, retry) {
  const box = make("div", "card turn-answer", make("p", "turn-text", words), make("div", "turn-actions", button("Ask again", retry)));
  return make("article", "turn turn-failed", heading(question), box);
}

function body(answer, page) {
  const drawn = chart(answer);
  const table = answer.rows.length ? grid(answer, answer.interpretation || answer.question) : null;
  const folded = table && answer.chart?.type === "kpi" ? make("details", "fold", make("summary", "", "Show as a table"), table.element) : null;
  const statements = sql(answer, page);
  const find = (span) => {
    const cell = table?.mark(span?.row, span?.column) ?? null;
    drawn?.mark(span?.column);
    if (cell && folded && span) folded.open = true;
    return cell;
  };
  const showSql = () => {
    statements.open = true;
    statements.scrollIntoView({ block: "nearest" });
    statements.querySelector("summary").focus({ preventScroll: true });
  };
  return make("div", "card turn-answer",
    verified(answer), reading(page.fixed ? { ...answer, chips: [] } : answer, page.ask), prose(answer, { find, showSql }), choices(answer, page), drawn?.element, folded ?? table?.element,
    ...(answer.more ?? []).map((more) => beside(more)), notes(answer), statements, answer.status === "answered" ? trace(answer) : null,
    actions(answer, page), suggestions(answer, page), foot(answer)); // prettier-ignore
}

function verified({ verified: told }) {
  if (!told) return null;
  const by = told.by ?? told.verified_by;
  const words = [by && `by ${by}`, told.note].filter(Boolean).join(": ");
  return make("p", "turn-verified", make("span", "verified-badge", "✓ Verified"), make("span", "muted", words || "Staff have checked this question."));
}

function choices(answer, page) {
  if (!answer.choices.length) return null;
  const list = make("ul", "chips", ...answer.choices.map(({ label, question, query }) => make("li", "", button(label, () => page.ask({ question, query }), "chip"))));
  list.setAttribute("aria-label", "What did you mean?");
  return list;
}

const beside = (more) => make("section", "turn-more", make("h3", "", more.heading), grid(more, more.heading).element);

function notes(answer) {
  return answer.note ? make("p", "turn-note", answer.note) : null;
}

function suggestions(answer, page) {
  const offered = (answer.suggestions ?? []).map((one) => (typeof one === "string" ? { label: one, question: one } : one));
  if (!offered.length) return null;
  const list = make("ul", "chips follow-ups no-print", ...offered.map(({ label, question, query }) => make("li", "", button(label ?? question, () => page.ask({ question: question ?? label, query }), "chip small"))));
  list.setAttribute("aria-label", "Ask next");
  return list;
}

function foot(answer) {
  const parts = [make("span", "badge", answer.engine)];
  if (answer.synthetic) parts.push(make("span", "badge", "includes a synthetic audience"));
  if (answer.as_of) parts.push(make("span", "", `Data as of ${answer.as_of}`));
  if (answer.milliseconds) parts.push(make("span", "", `${Math.round(answer.milliseconds)} ms`));
  return make("p", "turn-foot", ...parts);
}
