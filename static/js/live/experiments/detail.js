// The page of one experiment.

import { actionForm } from "../kit/confirm.js";
import { make } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { livePage } from "../kit/page.js";
import { stream } from "../kit/state.js";
import { table } from "../kit/table.js";
import { intervalBar, reachOf } from "./bars.js";
import { armsTable, chip, synthetic, warnings } from "./parts.js";
import { ribbons } from "./ribbons.js";
import { own, percent, share, since } from "./words.js";

const page = livePage();
const root = document.getElementById("trial");
const { key, page: address, mayChange } = root.dataset;
const drawRibbons = ribbons(document.getElementById("ribbons"), document.getElementById("untold"), address);
let reach = 1;

const metrics = table("metrics", {
  key: (row) => `${row.metric} ${row.arm}`,
  empty: "No look yet",
  columns: [
    { key: "title", label: "Metric", text: named },
    { key: "arm", label: "Arm" },
    { key: "mean", label: "Control, arm", text: means, title: "The plain averages" },
    { key: "gain", label: "Worse | better", value: (row) => row.gain?.value ?? null, text: (row) => intervalBar(row.gain, { reach, worst: row.worst, verdict: row.verdict }), title: "Towards the better side, as a share of the control" },
    { key: "change", label: "Difference", value: (row) => row.change?.value ?? row.effect?.value ?? null, text: difference, title: "As a share of the control, and in the metric's own unit" },
    { key: "words", label: "Says", wide: true, text: (row) => make("span", "", row.words, row.waits ? make("small", "muted trial-unit", row.waits) : "") },
    { key: "units", label: "Units", text: (row) => `${page.write.count(row.units)} : ${page.write.count(row.control_units)}`, title: "Of the arm and of the control" },
    { key: "variance_left", label: "Variance left", text: (row) => percent(row.variance_left), title: "After adjusting by what the units did before (CUPED)" },
  ],
});
const guardrails = table("guardrails", {
  key: (row) => `${row.metric.name} ${row.arm}`,
  empty: "It has none",
  columns: [
    { key: "title", label: "Metric", text: (row) => row.metric.title, value: (row) => row.metric.title },
    { key: "arm", label: "Arm" },
    { key: "gain", label: "Now", text: (row) => side(row.gain) },
    { key: "best_gain", label: "At best", text: (row) => side(row.best_gain) },
    { key: "worst", label: "Allowed", text: (row) => `${percent(row.worst)} worse` },
    { key: "room", label: "Room", value: (row) => (row.best_gain === null ? null : row.best_gain + row.worst), text: (row) => room(row) },
  ],
});
const days = figure("days", { kind: "bar", x: "category", unit: "count", stacked: true, height: 240, empty: "No look yet" });

page.on("experiments", ({ experiment: one }) => {
  if (!one) return gone();
  synthetic([one.synthetic]);
  head(one);
  const known = new Map(one.metrics.map((metric) => [metric.name, metric]));
  const rows = one.rows.map((row) => ({ ...row, title: known.get(row.metric).title, unit: known.get(row.metric).unit, deciding: known.get(row.metric).deciding, worst: known.get(row.metric).worst }));
  reach = reachOf(rows.map((row) => row.gain), one.guardrails.map((guard) => guard.worst));
  document.getElementById("axis").textContent = `beside the control; the bars go from ${percent(reach)} worse to ${percent(reach)} better, their ticks are guardrails`;
  metrics.draw(rows);
  guardrails.draw(one.guardrails);
  days.draw(ofDays(one));
  const interference = document.getElementById("interference");
  interference.hidden = !one.interference;
  interference.textContent = one.interference;
  drawRibbons(one);
  document.getElementById("moved").replaceChildren(...(one.moved.length ? one.moved.map(move) : [make("li", "muted", "Nobody yet")]));
  return undefined;
});
page.watch([stream("experiments", { experiment: key })]);

function named(row) {
  return make("span", "trial-metric", row.title, row.deciding ? make("small", "trial-decides", "decides it") : "", make("small", "muted trial-unit", row.unit));
}

function means(row) {
  return make("span", "trial-two", page.write.value(row.control_mean, "number"), make("b", "", page.write.value(row.mean, "number")));
}

function difference(row) {
  return make("span", "trial-two", make("b", "", share(row.change)), make("small", "muted", own(row.effect)));
}

function side(gain) {
  return gain === null ? "–" : `${percent(Math.abs(gain))} ${gain >= 0 ? "better" : "worse"}`;
}

function room(row) {
  if (row.best_gain === null) return "not enough evidence yet";
  const left = row.best_gain + row.worst;
  const words = make("span", "verdict", left < 0 ? "broken" : `${Number((left * 100).toFixed(1))} points`);
  words.dataset.verdict = left < 0 ? "breach" : left < row.worst / 2 ? "not_read" : "better";
  return words;
}

function ofDays(one) {
  const shown = one.days.filter((day) => day.units);
  if (!shown.length) return null;
  return { x: shown.map((day) => page.write.day(day.day)), series: one.arms.map((arm, at) => ({ name: arm.name, values: shown.map((day) => day.units[at]) })) };
}

function move(one) {
  return make("li", "", make("time", "muted", `${page.write.moment(one.at)} UTC`), ` ${one.who}: ${one.words}`);
}

// The head is drawn anew only when something in it changed, so that a button under a finger stays.
let drawn = "";
function head(one) {
  const shown = JSON.stringify([one, page.write.day(Date.now())]);
  if (shown === drawn || document.querySelector("dialog[open]")) return;
  drawn = shown;
  const says = one.decided.map((row) => make("p", "trial-words", one.arms.length > 2 ? make("b", "", `${row.arm}: `) : null, row.words, row.waits ? make("span", "trial-waits", ` ${row.waits}`) : null));
  const left = make("div", "trial-says", make("p", "trial-title", chip(one), make("span", "muted", since(one, page.write))), make("p", "trial-about", one.description || "No description"), ...warnings(one), ...says);
  left.append(make("p", "muted trial-small", [decidedBy(one), one.looked_at ? `last look ${page.write.moment(one.looked_at)} UTC` : "", one.split_budgets ? "each arm spends its own share of the budgets" : ""].filter(Boolean).join("; ")));
  const right = make("div", "trial-sizes");
  if (one.arms.length) right.append(armsTable(one, page.write));
  if (one.sizes) right.append(make("p", "muted trial-small", one.sizes.words));
  const parts = [make("div", "trial-pair", left, right)];
  if (mayChange === "yes") parts.push(make("div", "trial-actions no-print", ...actions(one)));
  document.getElementById("head").replaceChildren(...parts);
}

const decidedBy = (one) => (one.metric.name ? `decided by ${one.metric.title.toLowerCase()} (${one.metric.unit}, ${one.metric.better} is better), chance of a false alarm ${percent(one.alpha)}` : "no metric decides it");

function actions(one) {
  const fields = { seen: `${one.state}:${one.rolled_out}` };
  const form = (name, label, confirm, more = {}) => actionForm({ action: `${address}${name}/`, label, confirm, fields: { ...fields, ...more } });
  if (one.state === "draft") return one.arms.length ? [form("start", "Start", one.does.start)] : [];
  const found = one.state === "running" ? [form("stop", "Stop", one.does.stop)] : [];
  if (one.rolled_out) found.push(form("take-back", `Take ${one.rolled_out} back`, one.does.take_back));
  for (const arm of one.arms) {
    if (arm.name !== one.rolled_out) found.push(form("roll-out", `Roll out ${arm.name}`, one.does[`roll_out:${arm.name}`], { arm: arm.name }));
  }
  return found;
}

function gone() {
  document.getElementById("head").replaceChildren(make("p", "trial-warning", "This experiment is not there any more."));
}
