// Signs above the seek bar where the Director changed something: a mark to see, a button to reach, words to read or hear.
import { icon, make } from "../dom.js";
import { changeWords, markOf } from "./words.js";

export class Pins {
  constructor(list, tip, sprite) {
    Object.assign(this, { list, tip, sprite, shown: "" });
    list.addEventListener("pointerover", (event) => this.tell(event.target.closest("button")));
    list.addEventListener("focusin", (event) => this.tell(event.target.closest("button")));
    for (const name of ["pointerout", "focusout"]) list.addEventListener(name, () => (this.tip.hidden = true));
    // A finger has nothing to hover with.
    list.addEventListener("click", (event) => this.tell(event.target.closest("button")));
  }

  /** Draws anew only what changed: a button that has the focus must not vanish under it. */
  show(timeline) {
    const changes = timeline.changed();
    const key = JSON.stringify(changes.map(({ id, change, at, reason }) => [id, change, at, reason, timeline.filmDuration]));
    if (key === this.shown) return;
    this.shown = key;
    this.list.replaceChildren(...changes.map((change) => this.pin(change, timeline.filmDuration)));
    this.list.hidden = !changes.length;
  }

  pin(change, whole) {
    const button = make("button", { kind: `pin ${markOf(change.change)}`, type: "button", "aria-label": changeWords(change) });
    button.append(icon(this.sprite, `did-${markOf(change.change)}`));
    button.style.left = `${whole > 0 ? (change.at / whole) * 100 : 0}%`;
    return make("li", {}, button);
  }

  tell(button) {
    this.tip.hidden = !button;
    if (!button) return;
    this.tip.textContent = button.getAttribute("aria-label");
    const [box, around] = [button.getBoundingClientRect(), this.tip.parentElement.getBoundingClientRect()];
    const half = this.tip.offsetWidth / 2;
    const middle = box.left + box.width / 2 - around.left;
    this.tip.style.left = `${Math.min(around.width - half, Math.max(half, middle))}px`;
  }
}
