// An answer on its way: which stages are done, and what is known already. Its size stays, so that nothing jumps.

import { button, make } from "../live/kit/dom.js";
import { heading } from "./card.js";
import { grid } from "./grid.js";

const STAGES = [["understood", "Understood"], ["plan", "Planned"], ["sql", "SQL"], ["rows", "Figures"], ["chart", "Chart"], ["text", "Wording"]]; // prettier-ignore
const DOING = { "": "Reading the question", understood: "Planning", plan: "Reading the figures", sql: "Reading the figures", rows: "Choosing a chart", chart: "Wording the answer", text: "Checking the answer" }; // prettier-ignore
// Rows are shown before their wording only where that takes long: what comes and goes at once is noise.
const ROWS_AFTER_MS = 700;
const SPEAK_AFTER_MS = 2500;

/** ``{element, take(stage), end()}``. ``say(words)`` reaches a screen reader, sparingly. */
export function progress({ question, onCancel, say }) {
  const steps = new Map(STAGES.map(([name, label]) => [name, make("li", "step", label, make("small"))]));
  const words = make("p", "turn-doing", DOING[""]);
  const known = make("p", "turn-known");
  const early = make("div", "turn-early");
  const list = make("ol", "steps", ...steps.values());
  list.setAttribute("aria-label", "Stages of the answer");
  const cancel = button("Cancel", onCancel, "button quiet small cancel", "Cancel this question");
  const element = make("article", "turn turn-pending", heading(question), make("div", "card turn-answer", make("div", "turn-progress", list, cancel), words, known, early));
  let rows = null;
  let spoken = setTimeout(speak, SPEAK_AFTER_MS);

  function speak() {
    say(words.textContent);
    spoken = setTimeout(speak, 2 * SPEAK_AFTER_MS);
  }

  return {
    element,
    take({ stage, ms, data }) {
      const step = steps.get(stage);
      if (step && !step.dataset.done) {
        step.dataset.done = "yes";
        step.querySelector("small").textContent = `${Math.round(ms)} ms`;
      }
      words.textContent = DOING[stage] ?? "Working";
      if (data.interpretation) known.textContent = `Read as: ${data.interpretation}`;
      if (stage === "rows" && data.cells?.length) rows = setTimeout(() => early.replaceChildren(grid({ ...data, rows: data.rows ?? data.cells }, "Figures").element), ROWS_AFTER_MS);
    },
    end() {
      clearTimeout(rows);
      clearTimeout(spoken);
    },
  };
}
