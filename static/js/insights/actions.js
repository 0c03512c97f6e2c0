// What can be done with an answer. Each action is (answer, page) -> element, or null where it does not apply; a new one is a module and a line below.
// ``page``: {api(path) -> url, token, say(words)}.

import { saveCsv } from "../live/kit/download.js";
import { button, make } from "../live/kit/dom.js";
import { thumbs } from "./feedback.js";
import { mail, pin, propose, share } from "./keep.js";

export const ACTIONS = [copyText, copyTable, download, share, pin, mail, propose, thumbs];

export function actions(answer, page) {
  const row = make("div", "turn-actions no-print");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "What to do with this answer");
  row.append(...ACTIONS.map((action) => action(answer, page)).filter(Boolean));
  return row;
}

export function copyText(answer, page) {
  const words = () => [answer.question, answer.interpretation && `Read as: ${answer.interpretation}`, answer.text, answer.as_of && `Data as of ${answer.as_of}`].filter(Boolean);
  return copier("Copy text", () => words().join("\n\n"), page);
}

export function copyTable(answer, page) {
  return answer.rows.length ? copier("Copy table", () => tableText(answer), page) : null;
}

/** With tabs, as spreadsheets take it. A text that one would run as a formula is disarmed, as in the CSV; a figure stays, with its sign. */
export function tableText({ columns, rows, cells }) {
  const figure = (row, at) => columns[at].role === "measure" && typeof rows[row][at] === "number";
  const lines = cells.map((shown, row) => shown.map((text, at) => (figure(row, at) ? text : disarmed(text))));
  const oneLine = (text) => text.replace(/[\t\r\n]+/g, " ");
  return [columns.map(({ label }) => disarmed(label)), ...lines].map((line) => line.map(oneLine).join("\t")).join("\n");
}

const disarmed = (text) => String(text ?? "").replace(/^\s*[=+\-@]|^[\t\r\n]/, "'$&");

function download(answer, page) {
  if (!answer.rows.length) return null;
  if (!answer.message) return button("CSV", () => saveCsv([answer.columns.map(({ label }) => label), ...answer.rows], answer.question), "button quiet small");
  const link = make("a", "button quiet small", "CSV");
  link.href = `${page.api(`${answer.message}/table.csv`)}?bom=1`;
  link.setAttribute("download", "");
  link.setAttribute("aria-label", "Download the table as CSV");
  return link;
}

export function copier(label, text, page) {
  const copy = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text());
      page.say("Copied.");
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Not allowed";
      page.say("The browser did not allow copying.");
    }
    setTimeout(() => (copy.textContent = label), 1500);
  });
  return copy;
}
