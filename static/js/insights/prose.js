// The answer's words. Every figure in them can be pressed: it shows the cell it is, or what it was worked out from.

import { button, make } from "../live/kit/dom.js";
import { place } from "./menu.js";

let shut = null;

/** ``find(span)`` marks the span's cell and answers the element; ``showSql()`` opens the statement that gave it. */
export function prose(answer, { find, showSql }) {
  const paragraph = make("p", "turn-text");
  let from = 0;
  for (const span of [...(answer.spans ?? [])].sort((one, other) => one.start - other.start)) {
    if (span.start < from || span.end <= span.start || span.end > answer.text.length) continue;
    const words = answer.text.slice(span.start, span.end);
    const figure = pressable(words, () => explain(figure, span, answer, { find, showSql }));
    figure.dataset.kind = span.kind ?? "figure";
    paragraph.append(answer.text.slice(from, span.start), figure);
    from = span.end;
  }
  paragraph.append(answer.text.slice(from));
  return paragraph;
}

/** A part of a sentence that can be pressed. A button could not break over two lines as its sentence does. */
function pressable(words, press) {
  const part = make("span", "figure", words);
  part.tabIndex = 0;
  part.setAttribute("role", "button");
  part.setAttribute("aria-haspopup", "dialog");
  part.addEventListener("click", press);
  part.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
  return part;
}

export const closeExplanation = () => shut?.close();

function explain(figure, span, answer, { find, showSql }) {
  const again = shut?.figure === figure;
  shut?.close();
  if (again) return;
  const found = find(span);
  const box = make("div", "popover", make("p", "popover-how", how(span, answer)));
  if (span.formula && span.how !== "cell") box.append(make("p", "popover-formula", span.formula));
  const tools = make("p", "popover-tools");
  if (answer.sql) tools.append(button("Show the SQL", () => (shut?.close(), showSql()), "button quiet small"));
  tools.append(button("Close", () => shut?.close(), "button quiet small"));
  box.append(tools);
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", `Where ${figure.textContent} comes from`);
  box.tabIndex = -1;
  document.body.append(box);
  found?.scrollIntoView({ block: "nearest", inline: "nearest" });
  place(box, figure, { above: true });
  const outside = (event) => !box.contains(event.target) && !figure.contains(event.target) && shut?.close();
  const keys = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    shut?.close();
    figure.focus({ preventScroll: true });
  };
  const follow = () => place(box, figure, { above: true });
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", keys, true);
  addEventListener("scroll", follow, { passive: true });
  shut = {
    figure,
    close() {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", keys, true);
      removeEventListener("scroll", follow);
      box.remove();
      find(null);
      shut = null;
    },
  };
  box.focus({ preventScroll: true });
}

function how(span, answer) {
  if (span.row === null || span.row === undefined || span.row >= answer.rows.length) return "Worked out from the table as a whole:";
  const column = answer.columns.find(({ name }) => name === span.column);
  const named = answer.columns.map(({ role }, at) => (role === "measure" ? null : answer.cells[span.row][at])).filter(Boolean);
  const where = `row ${span.row + 1}${named.length ? ` (${named.join(", ")})` : ""}`;
  const value = answer.cells[span.row][answer.columns.indexOf(column)];
  if (span.how === "cell") return `The cell ${column?.label ?? span.column}, ${where}: ${value}`;
  return `Worked out; it rests on ${column?.label ?? span.column}, ${where}:`;
}
