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

/** With tabs, as spreadsheets take it; a name that one would run as a formula is disarmed. */
export function copyTable(answer, page) {
  if (!answer.rows.length) return null;
  const cell = (value) => String(value ?? "").replace(/[\t\r\n]+/g, " ").replace(/^\s*[=+@]|^\s*-(?![\d.])/, "'$&");
  const lines = () => [answer.columns.map(({ label }) => label), ...answer.cells].map((row) => row.map(cell).join("\t"));
  return copier("Copy table", () => lines().join("\n"), page);
}

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
