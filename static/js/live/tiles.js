// The figures at the top: value, change against the baseline, and the last fifteen minutes as a line.

import { make, setText } from "./kit/dom.js";

const RISE = { 1: ["▲", "up"], 0: ["=", "unchanged"], "-1": ["▼", "down"] };

export function tiles(write) {
  const found = [...document.querySelectorAll(".tile")].map((element) => ({
    element,
    ...element.dataset,
    value: element.querySelector("[data-value]"),
    delta: element.querySelector("[data-delta]"),
    against: element.querySelector("[data-against]"),
    note: element.querySelector("[data-note]"),
    interval: element.querySelector("[data-interval]"),
    area: element.querySelector(".spark-area"),
    line: element.querySelector(".spark-line"),
  }));
  return (figures) => found.forEach((tile) => draw(tile, figures[tile.key], write));
}

function draw(tile, figure, write) {
  const text = write.value(figure.value, tile.unit);
  setText(tile.value, text);
  const change = write.delta(figure.value, figure.before, tile.unit);
  tile.delta.dataset.sign = change ? change.sign * (tile.lower ? -1 : 1) : "";
  if (change) {
    const [arrow, word] = RISE[change.sign];
    const mark = make("span", "", arrow);
    mark.setAttribute("aria-hidden", "true");
    tile.delta.replaceChildren(mark, make("span", "visually-hidden", word), ` ${change.text}`);
  } else setText(tile.delta, "");
  setText(tile.against, against(tile, figure, change));
  setText(tile.note, figure.note || "");
  tile.note.title = figure.note || "";
  setText(tile.interval, figure.ci ? `95 %: ${write.interval(figure.ci, tile.unit)}` : "");
  spark(tile, figure.spark);
}

function against({ unit }, { value, baseline }, change) {
  if (!baseline || value === null) return "";
  if (change) return `vs ${baseline}`;
  return unit === "points" ? `against ${baseline}` : `nothing to compare ${baseline}`;
}

function spark(tile, values) {
  const known = values.map((value, index) => [index, value]).filter(([, value]) => value !== null);
  if (known.length < 2) {
    tile.line.removeAttribute("d");
    tile.area.removeAttribute("d");
    return;
  }
  const low = Math.min(0, ...known.map(([, value]) => value));
  const high = Math.max(...known.map(([, value]) => value)) || 1;
  const points = known.map(([index, value]) => [
    ((index / (values.length - 1)) * 100).toFixed(2),
    (26 - ((value - low) / (high - low || 1)) * 24).toFixed(2),
  ]);
  const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join("");
  tile.line.setAttribute("d", path);
  tile.area.setAttribute("d", `${path}L${points.at(-1)[0]} 28L${points[0][0]} 28Z`);
}
