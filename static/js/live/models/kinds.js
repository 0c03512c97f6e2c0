// The list of kinds at the left: a dot with its state, who serves, and the figure it is judged by.

import { make, setText } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";
import { fixed, versionName } from "./words.js";

const STATES = { ok: "Well", thin: "Thin evidence", alarm: "Alarm", waits: "Waits for its first readings", none: "No model" };

export function kindList({ state }) {
  const list = document.getElementById("kinds");
  const kept = new Map();

  function item(kind) {
    const link = make("a", "kind", make("span", "kind-dot"), make("strong"), make("span", "kind-serves"), make("span", "kind-figure"));
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      state.set({ kind: kind.kind, version: "" });
    });
    return make("li", "", link);
  }

  return function draw(kinds, chosen) {
    if (!kept.size) list.replaceChildren();
    for (const kind of kinds) {
      if (!kept.has(kind.kind)) list.append(kept.set(kind.kind, item(kind)).get(kind.kind));
      const link = kept.get(kind.kind).firstElementChild;
      const [dot, name, serves, figure] = link.children;
      link.href = `?kind=${encodeURIComponent(kind.kind)}`;
      if (kind === chosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      dot.dataset.state = kind.state;
      link.title = kind.words;
      dot.setAttribute("role", "img");
      dot.setAttribute("aria-label", STATES[kind.state] ?? kind.state);
      setText(name, kind.name);
      setText(serves, kind.champion ? versionName(kind.champion) : "no model");
      const judged = kind.champion?.figure;
      setText(figure, judged ? `${judged.label} ${fixed(judged.value, 3)}, baseline ${fixed(judged.baseline, 3)}` : NOTHING);
    }
  };
}
