// What ad breaks cost in leaving, place by place.

import { make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { table } from "../kit/table.js";
import { gapCell, highest, shareCell } from "./cells.js";

export function breaks(write) {
  const chart = figure("breaks", { kind: "bar", x: "category", unit: "share", height: 280, min: 0, empty: "No ad break has played in this film in these days" });
  const places = table("breaks", {
    key: (row) => row.scene,
    columns: [
      { key: "name", label: "Break", value: (row) => row.at, text: (row) => row.name },
      { key: "in_break", label: "Left in it", value: (row) => row.in_break.value, text: (row) => shareCell(write, row.in_break) },
      { key: "with_ads", label: "Gone by the next scene's end", value: (row) => row.with_ads.value, text: (row) => shareCell(write, row.with_ads) },
      { key: "without", label: "Where no ad played", value: (row) => row.without.value, text: (row) => shareCell(write, row.without) },
      { key: "cost", label: "Cost", value: (row) => row.cost?.value, text: (row) => (row.cost ? gapCell(write, row.cost) : make("span", "cell-of", "only the raw share is known")) },
      { key: "causes", label: "Why no ad played", wide: true, sortable: false, text: (row) => Object.entries(row.causes).map(([cause, n]) => `${cause} ${write.count(n)}`).join(", ") || "it always did" },
      { key: "rest_seconds", label: "Film watched after", title: "mean, of who did not leave in the break", unit: "seconds" },
    ],
    empty: "No ad break has played in this film in these days",
  });

  return ({ breaks: found, scenes, sessions_told: told }) => {
    const rows = found && named(found.boundaries, scenes);
    setText(document.getElementById("break-words"), found ? `${found.words}${told.complete ? "" : ` Of the newest ${write.count(told.n)} sessions.`} Chance did not draw where ads played, so viewers there may differ in more than that.` : "");
    places.draw(rows);
    highest(chart, rows?.flatMap((row) => [row.with_ads.high, row.without.high]));
    chart.draw(rows?.length ? data(rows, write) : null);
  };
}

function named(boundaries, scenes) {
  const of = new Map(scenes.map((scene) => [scene.id, scene]));
  const rows = boundaries.map((row) => ({ ...row, name: row.scene ? `after ${of.get(row.scene)?.name ?? "a scene that is gone"}` : "before the film", at: row.scene ? (of.get(row.scene)?.position ?? 0) : 0 }));
  return rows.sort((a, b) => a.at - b.at);
}

function data(rows, write) {
  const series = (name, key, more) => ({
    name, values: rows.map((row) => row[key].value), low: rows.map((row) => row[key].low), high: rows.map((row) => row[key].high),
    notes: rows.map((row) => `${write.count(row[key].count)} of ${write.count(row[key].of)}`), ...more,
  });
  return { x: rows.map((row) => row.name), series: [series("Ads played", "with_ads"), series("No ad played", "without", { dashed: true })] };
}
