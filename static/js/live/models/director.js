// What came of the Director: success of its changes by action and by day, and what viewers rated.

import { setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { band, known } from "./words.js";

const element = (id) => document.getElementById(id);

export function directorPart({ write }) {
  const actions = figure("success", { kind: "hbar", x: "category", unit: "points", height: 280, legend: false, empty: "No action was both done and held back by chance in enough sessions: not enough evidence yet" });
  const days = figure("success-days", { kind: "ribbon", x: "time", step: "day", unit: "points", zero: false, height: 280, empty: "No day had enough changes: not enough evidence yet" });
  const stars = figure("rating", { kind: "bar", x: "category", unit: "count", height: 280, legend: false, empty: "Nobody has rated in this time" });

  return function draw(kind, { success, rating }) {
    if (kind.log !== "director") return;
    const judged = (success?.actions ?? []).filter(({ value }) => known(value));
    const parts = (rows, name) => rows.map((row) => row[name]);
    setText(element("success-note"), success ? `${success.days} days. ${success.whole.words}` : "not worked out yet: the worker does so every five minutes");
    actions.draw(judged.length ? { x: parts(judged, "does"), series: [{ name: "More of the next scene watched", values: parts(judged, "value"), low: parts(judged, "low"), high: parts(judged, "high"), notes: parts(judged, "words") }] } : null);
    const known_days = (success?.by_day ?? []).filter(({ value }) => known(value));
    days.draw(known_days.length ? { x: parts(known_days, "day"), series: [{ name: "More of the next scene watched", values: parts(known_days, "value"), low: parts(known_days, "low"), high: parts(known_days, "high"), notes: parts(known_days, "words") }], marks: [{ y: 0, label: "no difference" }] } : null);
    setText(element("rating-note"), rating?.n ? `${rating.value.toFixed(2)} of 5 on average${known(rating.low) ? ` (95 % ${band(rating.low, rating.high, 2)})` : ", too few for an interval"}; ${write.count(rating.n)} ratings of ${write.count(rating.viewers)} viewers, ${write.share(rating.synthetic)} synthetic` : "");
    stars.draw(rating?.n ? { x: ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], series: [{ name: "Ratings", values: rating.stars }] } : null);
  };
}
