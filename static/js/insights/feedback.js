// Thumbs, and what was wrong. It goes to the staff who verify questions.

import { button, make } from "../live/kit/dom.js";
import { trouble } from "./line.js";
import { menuButton } from "./menu.js";

const REASONS = [
  ["wrong_figure", "The figure is wrong"],
  ["misread", "It answered another question"],
  ["wrong_period", "The wrong period"],
  ["not_answered", "It should have answered"],
  ["unclear", "Hard to understand"],
  ["slow", "Too slow"],
  ["other", "Something else"],
];

export function thumbs(answer, page) {
  if (!answer.message || !page.feedback) return null;
  const told = make("span", "muted");
  const send = async (given, words) => {
    const response = await page.post(page.api(`${answer.message}/feedback`), given).catch(() => null);
    const said = response?.ok ? words : response ? await trouble(response) : "The server can't be reached just now.";
    if (response?.ok) [good, bad].forEach((one) => one.setAttribute("aria-pressed", (one === good) === given.good));
    told.textContent = said;
    page.say(said);
  };
  const good = button(thumb("up"), () => send({ good: true }, "Thank you."), "button quiet small thumb", "This answer helped");
  const bad = button(thumb("down"), () => {}, "button quiet small thumb", "Something is wrong with this answer");
  const choose = (reason) => (reason === "other" ? comment(send) : send({ good: false, reason }, "Thank you. Staff will look at it."));
  menuButton(bad, REASONS.map(([reason, label]) => ({ label, choose: () => choose(reason) })), "What is wrong?");
  [good, bad].forEach((one) => one.setAttribute("aria-pressed", "false"));
  return make("span", "thumbs", good, bad, told);
}

function thumb(way) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const shape = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add(`thumb-${way}`);
  shape.setAttribute("d", "M3 11h4v10H3zM9 21V10l4-8c1.7 0 3 1.3 3 3l-1 4h5c1.1 0 2 .9 2 2l-2 8c-.3 1.2-1.2 2-2.4 2z");
  svg.append(shape);
  return svg;
}

function comment(send) {
  const words = make("textarea");
  Object.assign(words, { rows: 3, maxLength: 500 });
  const label = make("label", "", make("span", "", "What is wrong with it?"), words);
  const dialog = make("dialog", "confirm", label, make("div", "confirm-tools",
    button("Cancel", () => dialog.close(), "button quiet"),
    button("Send", () => (dialog.close(), send({ good: false, reason: "other", comment: words.value.trim() }, "Thank you. Staff will look at it.")), "button"))); // prettier-ignore
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
