// The table of scenes, and beside it what the Director did in the chosen one.

import { make, setText } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { shareCell } from "./cells.js";

const MEASURES = [
  ["completed", "Saw its end"],
  ["skipped", "Passed over some"],
  ["rewound", "Went back to it"],
  ["left", "Left in it"],
  ["left_after", "Left after it", "before the next scene began: in the ad break, where there was one"],
  ["tightened", "Got its tight cut"],
];

export function sceneTable({ write, linked }) {
  const scenes = table("scenes", {
    key: (row) => row.id,
    link: (row) => `#scene-${row.id}`,
    columns: [
      { key: "name", label: "Scene", value: (row) => row.position, text: (row) => make("span", "", `${row.position}. ${row.name}`, make("span", "cell-of", about(row, write))) },
      { key: "reached", label: "Began it", title: "of who began the film", value: (row) => row.reached.value, text: (row) => shareCell(write, row.reached) },
      ...MEASURES.map(([key, label, title]) => ({
        key, label, title, value: (row) => row.measures[key].value,
        text: (row) => shareCell(write, row.measures[key], { usual: row.usual?.[key], apart: row.apart[key], brief: true }),
      })),
      { key: "watched", label: "Mean share seen", unit: "share", text: (row) => make("span", "", write.value(row.watched, "share"), row.usual_watched === null ? null : make("span", "cell-usual", `usual ${write.value(row.usual_watched, "share")}`)) },
    ],
    empty: "This title has no scenes",
  });
  const actions = table("actions", {
    key: (row) => row.action,
    columns: [
      { key: "name", label: "Action" },
      { key: "intended", label: "Intended", unit: "count" },
      { key: "applied", label: "Done", unit: "count" },
      { key: "explored", label: "Drawn by chance", unit: "count" },
      { key: "effect", label: "What came of it", wide: true, sortable: false, value: (row) => row.effect?.value, text: (row) => row.effect?.words ?? "nothing to compare it with" },
    ],
    empty: "Nothing was decided in this scene",
  });
  const decisions = table("decisions", {
    key: (row) => row.id,
    link: (row) => (linked ? row.link : null),
    columns: [
      { key: "at", label: "When (UTC)", text: (row) => write.moment(row.at) },
      { key: "action", label: "Did", wide: true, text: (row) => `${row.action}${row.explored ? ", drawn by chance" : ""}${row.intended ? `; intended: ${row.intended.toLowerCase()}` : ""}` },
      { key: "engagement", label: "Expected", title: "share of the coming scenes expected to be watched", unit: "share" },
      { key: "leave_risk", label: "Chance of leaving", title: "within 15 seconds, as predicted", unit: "share" },
      { key: "watched", label: "Watched", title: "of the scene at that place, where the viewer came to it", unit: "share" },
    ],
    empty: "Nothing was decided in this scene",
  });

  function draw(body, { asked = false } = {}) {
    scenes.draw(body.scenes);
    const scene = chosen(body);
    for (const element of document.querySelectorAll("[data-scene-name]")) setText(element, scene ? `“${scene.name}”` : "this scene");
    for (const row of document.querySelectorAll("[data-table=scenes] tbody tr")) {
      row.classList.toggle("chosen", row.querySelector("a")?.hash === `#scene-${scene?.id}`);
    }
    const director = body.director;
    setText(document.getElementById("director-words"), director ? `All scenes: ${director.overall.words}${director.complete ? "" : " Of the newest 20,000 changes."}` : NOTHING);
    actions.draw(director?.actions.filter((one) => one.scene === scene?.id));
    decisions.draw(director?.newest.filter((one) => one.scene === scene?.id));
    if (asked) document.getElementById("scene-panel").scrollIntoView({ block: "start" });
  }
  return { draw };
}

const about = (row, write) => [row.mood.toLowerCase(), write.seconds(row.seconds), row.optional && "optional", row.break_after && "a break may follow"].filter(Boolean).join(", ");

/** The scene of the URL, else the one with the worst drop, else the first. */
function chosen({ scenes, marks }) {
  const of = (id) => scenes.find((scene) => scene.id === id);
  const worst = marks.filter((one) => one.kind === "drop").sort((a, b) => b.share - a.share)[0];
  return of(Number(location.hash.replace("#scene-", ""))) ?? of(worst?.scene) ?? scenes[0];
}
