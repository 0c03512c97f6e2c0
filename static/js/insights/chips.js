// How the question was read, as parts that can be changed: each runs the query it offers.

import { button, make } from "../live/kit/dom.js";
import { menuButton } from "./menu.js";

/** ``onAsk({question, query, edited})``. Without chips the line alone says how it was read. */
export function reading(answer, onAsk) {
  if (!answer.interpretation) return null;
  const line = make("div", "turn-reading", make("span", "turn-tag", "Read as"));
  if (answer.edited) line.append(make("span", "turn-edited", `changed: ${answer.edited}`));
  if (!answer.chips?.length) {
    line.append(make("span", "", answer.interpretation));
    return line;
  }
  line.append(make("ul", "reading-chips", ...answer.chips.map((chip) => make("li", "", one(chip, answer, onAsk)))));
  line.title = answer.interpretation;
  return line;
}

function one(chip, answer, onAsk) {
  const ask = (query, edited) => onAsk({ question: answer.question, query, edited });
  const items = (chip.options ?? []).map(({ label, query }) => ({ label, choose: () => ask(query, `${chip.label} to ${label}`) }));
  if (chip.remove) items.push({ label: "Leave it out", choose: () => ask(chip.remove, `without ${chip.label}`) });
  if (!items.length) return make("span", "reading-chip", chip.label);
  return menuButton(button(chip.label, () => {}, "reading-chip", `${chip.label}: change this ${chip.kind}`), items, `Instead of ${chip.label}`);
}
