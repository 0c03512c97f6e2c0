// Training runs: how far each is, in words, and what it made.

import { make } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { badge, known, plain } from "./words.js";

const COLOURS = { done: "good", running: "info", queued: "warn", failed: "bad" };

export function runsPart({ write }) {
  const list = table("runs", {
    columns: [
      { key: "estimator", label: "Run", text: (row) => `${plain(row.estimator)}${row.engine === "local" ? "" : ` on ${row.engine}`}` },
      { key: "state", label: "State", text: (row) => badge(row.state, COLOURS[row.state] ?? "warn") },
      { key: "percent", label: "Progress", text: progress },
      { key: "asked_at", label: "Asked (UTC)", text: (row) => write.moment(row.asked_at) },
      { key: "took_seconds", label: "Took", text: (row) => (known(row.took_seconds) ? write.seconds(row.took_seconds) : NOTHING) },
      { key: "version", label: "Made", text: (row) => (known(row.version) ? `v${row.version}` : NOTHING) },
      { key: "words", label: "In words", wide: true, text: (row) => make("span", "", row.words, make("small", "muted block", [row.reason, row.asked_by && `by ${row.asked_by}`, row.attempts > 1 && `attempt ${row.attempts}`].filter(Boolean).join(", "))) },
    ],
    key: (row) => row.id,
    empty: "Nothing was trained yet.",
  });
  return (kind) => list.draw(kind.runs);
}

function progress({ percent }) {
  const bar = make("progress");
  bar.setAttribute("max", 100);
  bar.setAttribute("value", percent);
  bar.setAttribute("aria-label", `${percent} % done`);
  return make("span", "progress", bar, ` ${percent} %`);
}
