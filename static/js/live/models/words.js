// Names and figures as this page writes them.

import { make } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";

export const plain = (name) => String(name).replaceAll("_", " ");
export const known = (value) => value !== null && value !== undefined;
export const fixed = (value, digits = 4) => (known(value) ? value.toFixed(digits) : NOTHING);
export const band = (low, high, digits = 4) => (known(low) && known(high) ? `${fixed(low, digits)} – ${fixed(high, digits)}` : NOTHING);
export const money = (write, micros) => (known(micros) ? write.money(micros) : NOTHING);
/** Amounts of one impression or one moment are too small to read: per thousand. */
export const perThousand = (write, micros) => (known(micros) ? write.money(micros * 1000) : NOTHING);
export const versionName = (row) => `v${row.number} · ${plain(row.estimator)}`;

/** The next round number beyond ``value``, away from zero: an axis that ends there has round ticks. */
export function beyond(value) {
  if (!value) return 0;
  const step = 10 ** Math.floor(Math.log10(Math.abs(value))) / 2;
  return Math.sign(value) * Math.ceil(Math.abs(value) / step - 1e-9) * step;
}

/** A word in a frame: ``kind`` good | bad | warn | info gives its colour, the word says it as well. */
export const badge = (words, kind = "info") => {
  const element = make("span", "badge", words);
  element.dataset.kind = kind;
  return element;
};

export const VERDICTS = { pass: ["Pass", "good"], fail: ["Fail", "bad"], not_enough_evidence: ["Not enough evidence", "warn"] };
export const verdict = (name) => badge(...(VERDICTS[name] ?? [plain(name), "info"]));

export const STATUS = { champion: "good", challenger: "warn", previous: "info", promoted: "good", shadow: "info", canary: "warn", refused: "bad", failed: "bad", training: "info" };

/** Pairs of name and value as rows of a dl; what is not known is left out. */
export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs.filter(([, value]) => known(value) && value !== "").map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))),
  );
}

/** Figures in large type: [{label, value, note?, kind?}]. Tiles keep their element, so nothing jumps. */
export function tiles(list, wanted) {
  while (list.children.length > wanted.length) list.lastElementChild.remove();
  wanted.forEach(({ label, value, note = "", kind = "" }, at) => {
    const tile = list.children[at] ?? list.appendChild(make("li", "card model-tile", make("h3"), make("p", "tile-figure"), make("p", "muted small")));
    tile.dataset.kind = kind;
    [label, value, note].forEach((text, place) => {
      if (tile.children[place].textContent !== text) tile.children[place].textContent = text;
    });
  });
}
