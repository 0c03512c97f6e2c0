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
    if (response?.ok) [good, bad].forEach((thumb) => thumb.setAttribute("aria-pressed", (thumb === good) === given.good));
    told.textContent = said;
    page.say(said);
  };
  const good = button("👍", () => send({ good: true }, "Thank you."), "button quiet small thumb", "This answer helped");
  const bad = button("👎", () => {}, "button quiet small thumb", "Something is wrong with this answer");
  const choose = (reason) => (reason === "other" ? comment(send) : send({ good: false, reason }, "Thank you. Staff will look at it."));
  menuButton(bad, REASONS.map(([reason, label]) => ({ label, choose: () => choose(reason) })), "What is wrong?");
  [good, bad].forEach((thumb) => thumb.setAttribute("aria-pressed", "false"));
  return make("span", "thumbs", good, bad, told);
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
