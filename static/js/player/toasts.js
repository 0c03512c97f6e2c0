// Short messages at the edge of the picture. A screen reader hears them as they come.
import { readingSeconds } from "./director/words.js";
import { make } from "./dom.js";

const MOST = 3;

export class Toasts {
  constructor(element) {
    this.element = element;
  }

  /** ``label`` stands before the title, for what is out of the ordinary. */
  say(title, words = "", { label = "" } = {}) {
    const tag = label ? [make("em", { text: label })] : [];
    const toast = make("div", { kind: "toast" }, ...tag, make("strong", { text: title }), make("span", { text: words }));
    this.element.append(toast);
    while (this.element.children.length > MOST) this.element.firstChild.remove();
    setTimeout(() => toast.remove(), readingSeconds(`${title} ${words}`) * 1000);
  }
}
