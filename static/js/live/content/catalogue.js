// The page of the whole catalogue: what is asked for beside what is on offer.

import { make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { NOTHING } from "../kit/format.js";
import { livePage } from "../kit/page.js";
import { table } from "../kit/table.js";
import { gapCell, highest, sentences, shareCell, synthetic, tiles, workedText } from "./cells.js";
import { precursorColumns } from "./precursors.js";

const page = livePage();
const { write } = page;
const at = (id) => document.getElementById(id);
const titleUrl = (row) => (row.slug ? `/live/titles/${row.slug}/` : null);

const drawTiles = tiles(at("tiles"));
const charts = Object.fromEntries(["genres", "moods"].map((name) => [name, figure(name, { kind: "bar", x: "category", unit: "number", height: 300, min: 0, legend: false, empty: "Nothing was watched in these days" })]));
const share = (key, label, title) => ({ key, label, title, unit: "share" });
const weight = [
  share("demand", "Of the watching"),
  share("supply", "Of the supply"),
  { key: "index", label: "Index", text: (row) => (row.index === null ? NOTHING : make("span", "", write.number(row.index), make("span", "cell-of", row.low === null ? "" : write.interval([row.low, row.high], "number")))) },
];
const VERDICTS = { more: "Commission more", less: "Enough of it", "as asked": "As much as is asked for", "not enough evidence": "Not enough evidence" };
const verdict = { key: "verdict", label: "Verdict", text: (row) => VERDICTS[row.verdict] };
const tables = {
  genres: table("genres", {
    key: (row) => row.slug,
    columns: [
      { key: "name", label: "Genre" }, ...weight, verdict,
      { key: "groups", label: "Titles", unit: "count" },
      { key: "hours", label: "Watched", unit: "hours" },
      { key: "completed", label: "Saw the end", value: (row) => row.completed.value, text: (row) => shareCell(write, row.completed) },
      { key: "gap", label: "Against titles of like length", value: (row) => row.completed_gap?.value, text: (row) => gapCell(write, row.completed_gap) },
      { key: "suggested", label: "Suggestions taken", value: (row) => row.suggested.value, text: (row) => shareCell(write, row.suggested) },
      { key: "favourite", label: "Named a favourite", value: (row) => row.favourite?.count, text: (row) => (row.favourite ? `${write.count(row.favourite.count)} of ${write.count(row.favourite.of)}` : NOTHING), title: "by viewers who gave consent; groups under 20 are not shown" },
    ],
    empty: "No title with a genre is on offer",
  }),
  moods: table("moods", {
    key: (row) => row.slug,
    columns: [
      { key: "name", label: "Mood" }, ...weight, verdict,
      { key: "units", label: "Scenes", unit: "count" },
      { key: "groups", label: "Titles", unit: "count" },
      share("catalogue", "Of all minutes", "in the catalogue"),
      share("watched", "Share seen", "of what was put before viewers"),
    ],
    empty: "No scene is on offer",
  }),
  titles: table("titles", {
    key: (row) => row.slug,
    link: titleUrl,
    columns: [
      { key: "name", label: "Title" },
      { key: "hours", label: "Watched", unit: "hours", bar: true },
      { key: "views", label: "Views", unit: "count" },
      { key: "completed", label: "Saw the end", value: (row) => row.completed.value, text: (row) => shareCell(write, row.completed) },
      share("watched", "Mean share seen", "of the film as edited"),
      { key: "percentile", label: "Among its like", title: "part of the titles of like length that are watched less, once five of them are known", unit: "share" },
      { key: "half_life", label: "Half-life", title: "part of the film at which half have gone; a dash where more than half see the end, or too few began", unit: "share" },
      { key: "trend", label: "Week on week", value: (row) => row.trend?.value, text: (row) => (row.trend ? make("span", "", `× ${write.number(row.trend.value)}`, make("span", "cell-of", write.interval([row.trend.low, row.trend.high], "number"))) : NOTHING), title: "sessions of the last seven whole days over those of the seven before" },
      { key: "stars", label: "Rating", text: (row) => (row.ratings ? make("span", "", write.number(row.stars), make("span", "cell-of", `${write.count(row.ratings)} viewers`)) : NOTHING) },
    ],
    empty: "No title is on offer",
  }),
  ...Object.fromEntries(
    ["losing", "holding"].map((name) => [name, table(name, { key: (row) => row.scene, link: (row) => `${titleUrl(row)}#scene-${row.scene}`, columns: precursorColumns(write, (row) => `${row.scene_name}, ${row.title}`), empty: "None yet: a scene and its like need 50 views each" })]),
  ),
  notBack: table("not-back", { key: (row) => row.slug, link: titleUrl, columns: precursorColumns(write, (row) => row.title, { lost: "Not back", usual: "After other titles" }), empty: "Too few viewers whose time is over yet" }),
};

page.on("content", ({ weighed: found, precursors, days, worked_at: worked }) => {
  at("said").hidden = Boolean(found?.views);
  setText(at("said"), found ? `Nobody has watched anything in the last ${days} days.` : "These figures are being worked out; they come within a minute.");
  setText(at("foot"), `${workedText(write, worked)}The last ${days} UTC days. Demand is time watched; what is searched for is not recorded. Intervals hold for all kinds of a table together at 95 %, over titles where three or more hold the kind.`);
  if (found) draw(found);
  if (precursors) drawPrecursors(precursors);
});

function draw(found) {
  drawTiles([
    { label: "Titles on offer", value: write.count(found.titles_on_offer), of: `${write.count(found.titles_watched)} of them watched` },
    { label: "Views", value: write.count(found.views), of: "sessions that are over" },
    { label: "Film watched", value: write.value(found.hours, "hours"), of: "each moment once a session" },
    { label: "Asked for more than offered", value: write.count(found.opportunities.length), of: `of ${write.count(found.genres.length)} genres and ${write.count(found.moods.length)} moods` },
  ]);
  synthetic(at("synthetic"), write, found.synthetic, "these views");
  const wanted = found.opportunities.map((one) => one.words + (one.hours ? ` A film of the usual length would draw ${write.hours(one.hours[0])} (${write.interval(one.hours.slice(1), "hours")}) in as many days.` : ""));
  at("wanted").classList.toggle("none", !wanted.length);
  sentences(at("wanted"), wanted.length ? wanted : ["Not enough evidence: no genre and no mood is asked for more than it is offered, beyond chance."]);
  sentences(at("caveats"), found.caveats);
  for (const name of ["genres", "moods"]) {
    tables[name].draw(found[name]);
    sentences(at(`${name}-words`), found[name].map((row) => row.words));
    highest(charts[name], found[name].map((row) => row.high ?? row.index));
    charts[name].draw(found.views ? bars(found[name]) : null);
  }
  tables.titles.draw(found.titles);
}

function bars(rows) {
  return {
    x: rows.map((row) => row.name),
    series: [{ name: "Index", values: rows.map((row) => row.index), low: rows.map((row) => row.low), high: rows.map((row) => row.high), notes: rows.map((row) => (row.basis === "sessions" ? "of these titles alone" : `over ${row.groups} titles`)) }],
    marks: [{ y: 1 }],
  };
}

function drawPrecursors(found) {
  tables.losing.draw(found.losing);
  tables.holding.draw(found.holding);
  tables.notBack.draw(found.not_back);
  setText(at("horizon"), `viewers who gave consent and began nothing within ${found.horizon_days} days, each once a title, beside all other titles`);
}

page.watch(["content"]);
