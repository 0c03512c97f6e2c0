// The page of one title.

import { setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { livePage } from "../kit/page.js";
import { stream, urlState } from "../kit/state.js";
import { breaks } from "./breaks.js";
import { highest, synthetic, tiles, workedText } from "./cells.js";
import { curve } from "./curve.js";
import { precursors } from "./precursors.js";
import { sceneTable } from "./scenes.js";

const page = livePage();
const { write } = page;
const root = document.getElementById("title");
const at = (id) => document.getElementById(id);
const state = urlState({ days: "28" });
const name = () => stream("title", { title: root.dataset.slug, ...state.get() });

const drawTiles = tiles(at("tiles"));
const scenes = sceneTable({ write, linked: root.dataset.decisions === "yes" });
const drawCurve = curve({ write, chosen: (scene) => (location.hash = `scene-${scene}`) });
const drawBreaks = breaks(write);
const drawPrecursors = precursors(write);
const who = figure("who", { kind: "hbar", x: "category", unit: "share", height: 420, min: 0, empty: "No group of 20 sessions yet" });
const daily = figure("daily", { kind: "bar", x: "time", step: "day", unit: "count", height: 420 });
const KINDS = { device: "", visit: "", segment: "Segment: " };

let last = null;

page.on("title", (snapshot, stream) => {
  if (stream !== name()) return;
  last = snapshot;
  draw(snapshot);
});

function draw(body) {
  tell(body);
  if (body.missing) return;
  drawTiles(figures(body));
  drawCurve(body);
  scenes.draw(body);
  drawBreaks(body);
  drawPrecursors(body.precursors);
  highest(who, body.who?.map((row) => row.left.high));
  who.draw(body.who && groups(body.who));
  daily.draw(days(body.daily));
  synthetic(at("synthetic"), write, body.daily.synthetic, "these sessions");
  setText(at("foot"), `${workedText(write, body.worked_at)}Views are sessions of the last ${body.days} UTC days that have been silent for a quarter of an hour; ${write.count(body.daily.total)} began. Intervals are of 95 %. Half-life is where in the film half of its viewers have gone.`);
}

function tell(body) {
  const words = body.missing ?? (body.views ? "" : body.daily.total ? "Nobody's viewing is over yet: a session counts here once it has been silent for a quarter of an hour." : `Nobody has watched this title in the last ${body.days} days.`);
  at("said").hidden = !words;
  setText(at("said"), words);
}

function figures({ views, film, half_life, seconds, daily, ratings, breaks, precursors, director }) {
  const of = (share) => (share.of ? `${write.interval([share.low, share.high], "share")} of ${write.count(share.of)}` : "");
  const extra = breaks?.extra;
  return [
    { label: "Views", value: write.count(views), of: `${write.value(daily.hours.reduce((sum, one) => sum + one, 0), "hours")} watched` },
    { label: "Saw the end", value: write.value(film.completed.value, "share"), of: of(film.completed) },
    { label: "Left before it", value: write.value(film.left.value, "share"), of: of(film.left) },
    { label: "Half-life", value: half_life === null ? (views ? "None" : write.value(null)) : write.value(half_life, "share"), of: half_life === null ? (views ? "more than half see the end, or too few began" : "") : `of the film: about ${write.seconds(half_life * seconds)}` },
    { label: "Left with ad breaks", value: write.value(extra?.value, "points"), of: extra ? `${write.value(extra.low, "points")} to ${write.value(extra.high, "points")}, ${write.count(breaks.breaks)} breaks` : "not enough to compare" },
    { label: "Against its like", value: write.value(precursors?.title?.excess.value, "points"), of: precursors?.title ? `leaving; ${write.value(precursors.title.excess.low, "points")} to ${write.value(precursors.title.excess.high, "points")}` : "too few views of titles of like length" },
    { label: "Rating", value: write.value(ratings?.value, "number"), of: ratings?.n ? `${ratings.low === null ? "" : `${write.interval([ratings.low, ratings.high], "number")}, `}${write.count(ratings.n)} viewers` : "nobody rated it" },
    { label: "Director's changes", value: write.value(director?.overall.value, "points"), of: director ? (director.overall.value === null ? `too few to compare, ${write.count(director.decisions)} decisions` : `of the next scene; ${write.value(director.overall.low, "points")} to ${write.value(director.overall.high, "points")}`) : "" },
  ];
}

function groups(rows) {
  const shares = rows.map((row) => row.left);
  return {
    x: rows.map((row) => `${KINDS[row.kind]}${row.name}`),
    series: [{ name: "Left before the end", values: shares.map((one) => one.value), low: shares.map((one) => one.low), high: shares.map((one) => one.high), notes: shares.map((one) => `${write.count(one.count)} of ${write.count(one.of)}`) }],
  };
}

function days({ days, sessions, finished }) {
  return { x: days, running: true, caption: "sessions a UTC day", series: [{ name: "Sessions", values: sessions }, { name: "Seen to the end", values: finished }] };
}

addEventListener("hashchange", () => last && !last.missing && scenes.draw(last, { asked: true }));
state.bind(at("filters"));
state.on(() => page.watch([name()]));
page.watch([name()]);
