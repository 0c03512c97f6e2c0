// What precedes leaving, as rows: scenes and titles beside their like.

import { setText } from "../kit/dom.js";
import { table } from "../kit/table.js";
import { gapCell, shareCell } from "./cells.js";

/** Columns of a precursor; ``name(row)`` heads the row. */
export function precursorColumns(write, name, { lost = "Left", usual = "Usual" } = {}) {
  return [
    { key: "name", label: "", value: name },
    { key: "lost", label: lost, value: (row) => row.lost.value, text: (row) => shareCell(write, row.lost, { apart: row.stands_out ? "more" : "" }) },
    { key: "usual", label: usual, value: (row) => row.usual.value, text: (row) => shareCell(write, row.usual) },
    { key: "excess", label: "Difference", value: (row) => row.excess.value, text: (row) => gapCell(write, row.excess) },
  ];
}

/** Of one title: the film, its viewers' return, and its scenes. */
export function precursors(write) {
  const rows = table("precursors", {
    key: (row) => `${row.what}${row.scene ?? ""}`,
    columns: precursorColumns(write, (row) => row.what + (row.scene_name ? `: ${row.scene_name}` : "")),
    empty: "Too few views of this title, or of titles of like length, to compare",
  });
  return (found) => {
    rows.draw(
      found && [
        ...[found.title].filter(Boolean).map((one) => ({ ...one, what: "Left before the end" })),
        ...[found.not_back].filter(Boolean).map((one) => ({ ...one, what: `Began nothing for ${found.horizon_days} days after it` })),
        ...found.scenes.map((one) => ({ ...one, what: "Left in" })),
      ],
    );
    setText(document.getElementById("precursor-words"), found ? `beside titles of like length, scenes at a like place and, for coming back, all other titles (viewers who gave consent); ${found.least_views} views at least. ▲ is beyond chance.` : "");
  };
}
