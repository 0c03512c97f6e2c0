import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { csv, fileName } from "../../../static/js/live/kit/download.js";
import { ago, writer } from "../../../static/js/live/kit/format.js";
import { health } from "../../../static/js/live/kit/health.js";
import { heatPart, heatRange, heatRows } from "../../../static/js/live/kit/heat.js";
import { Held, newer } from "../../../static/js/live/kit/held.js";
import { described, isEmpty, lonely, plainTable, textTable, xy } from "../../../static/js/live/kit/points.js";
import { sorted } from "../../../static/js/live/kit/sorting.js";
import { read, stream, urlState, written } from "../../../static/js/live/kit/state.js";
import { timeTicks } from "../../../static/js/live/kit/ticks.js";

const NOW = Date.parse("2026-11-22T07:31:00Z");
const at = (seconds) => NOW + seconds * 1000;
const log = { away: false, oldest: 0, unread: 0 };
const snapshot = (n, seconds = 0, more = {}) => ({ version: [7, n], content: "a", every: 1, built_at: new Date(at(seconds)).toISOString(), log, ...more });
const holding = (name, ...taken) => {
  const held = new Held(name);
  taken.forEach((one) => held.take(one, Date.parse(one.built_at)));
  return held;
};
const link = (now, held, more = {}) => ({ now: at(now), startedAt: at(-60), refused: null, paused: false, pausedAt: null, open: true, closedAt: null, away: { redis: null, server: null }, held, ...more });
const told = (now, held, more) => {
  const { words, since } = health(link(now, held, more));
  return since === null ? words : `${words} since ${(since - NOW) / 1000}`;
};

test("the newer of two snapshots has the larger fence, then the larger number", () => {
  assert.deepEqual([newer([2, 1], [1, 9]), newer([1, 9], [2, 1]), newer([1, 2], [1, 1]), newer([1, 1], [1, 1])], [true, false, true, false]);
});

test("an older snapshot never replaces a newer one", () => {
  const held = holding("now", snapshot(5));
  assert.equal(held.take(snapshot(4), NOW), false);
  assert.deepEqual(held.version, [7, 5]);
});

test("what only grew older keeps its figures under the new version, and what is not held is asked for", () => {
  const held = holding("now", snapshot(1, 0, { tiles: 3 }));
  assert.equal(held.still(snapshot(2, 1), at(1)), "taken");
  assert.deepEqual([held.snapshot.tiles, held.version, held.builtAt], [3, [7, 2], at(1)]);
  assert.equal(held.still(snapshot(2, 1), at(1)), "old");
  assert.equal(held.still(snapshot(3, 2, { content: "b" }), at(2)), "unknown");
});

test("figures are live while their stream ticks, also where it is built only now and then", () => {
  const rare = holding("models", snapshot(1, -60, { every: 30 }), { ...snapshot(2, -28), every: 30 });
  rare.take({ ...snapshot(3, -28), every: 30 }, at(0));
  assert.equal(told(1, [holding("now", snapshot(1, -1), snapshot(2, 0)), rare]), "Live");
});

test("a silent publisher is told with the moment of its last word, also to a page that opens later", () => {
  assert.equal(told(9, [holding("now", snapshot(1, -1), snapshot(2, 0))]), "Figures are late: the live publisher is silent since 0");
  assert.equal(told(0, [holding("now", snapshot(2, -300))]), "Figures are late: the live publisher is silent since -300");
  assert.equal(told(0, [holding("now", snapshot(2, -2))], { startedAt: at(-1) }), "Live");
});

test("one stream that is not built in time is told as a part, by its name", () => {
  const slow = holding("trend?range=24h", snapshot(1, -20, { every: 5 }));
  slow.take(snapshot(9, -20, { every: 5 }), at(0));
  const found = health(link(0, [holding("now", snapshot(1, -1), snapshot(2, 0)), slow]));
  assert.deepEqual([found.name, found.words, (found.since - NOW) / 1000, found.late], ["late", "Part of the figures is late", -15, ["trend?range=24h"]]);
});

test("Redis, the server, the database, the log and its consumer are told apart, each with its time", () => {
  const live = () => holding("now", snapshot(1, -1), snapshot(2, 0));
  assert.equal(told(8, [live()], { away: { redis: at(5), server: null } }), "Redis does not answer since 0");
  assert.equal(told(8, [new Held("now")], { away: { redis: null, server: at(5) } }), "The server does not answer, trying again since 5");
  const waits = live();
  waits.trouble("database", new Date(at(2)).toISOString(), at(7));
  assert.equal(told(8, [waits]), "The database does not answer since 2");
  assert.equal(told(8, [waits], { away: { redis: null, server: at(7) } }), "The database does not answer since 2", "the publisher knows it better than a page that got no answer");
  waits.take(snapshot(3, 8), at(8));
  assert.equal(told(8, [waits]), "Live");
  const cut = holding("now", snapshot(1), snapshot(2, 1, { log: { away: true, oldest: null } }), snapshot(3, 4, { log: { away: true, oldest: null } }));
  assert.equal(told(5, [cut]), "The event log does not answer: nothing new is counted since 1");
  assert.equal(told(5, [holding("now", snapshot(1), snapshot(3, 4, { log: { away: false, oldest: 90 } }))]), "The event consumer is behind: nothing is counted since -86");
  assert.equal(told(1, [live()], { open: false, closedAt: at(0.5) }), "Connection lost, trying again since 0.5");
});

test("a pause, a refusal and figures that could not be built say so instead of being live", () => {
  const live = holding("now", snapshot(1, -1), snapshot(2, 0));
  assert.equal(told(9, [live], { paused: true, pausedAt: at(3) }), "Paused since 3");
  assert.equal(health(link(0, [live], { refused: "not_allowed" })).name, "refused");
  const refused = new Held("models");
  refused.refuse("models is not among what you may see");
  assert.equal(told(0, [refused]), "models is not among what you may see");
  assert.equal(told(0, [live, refused]), "Live");
  const failing = holding("models", snapshot(1, -9));
  failing.trouble("stream", new Date(at(-4)).toISOString(), at(0));
  const found = health(link(0, [live, failing]));
  assert.match(found.words, /cannot be put together/);
  assert.deepEqual([(found.since - NOW) / 1000, found.late], [-4, ["models"]]);
  assert.deepEqual([told(0, [new Held("now")], { startedAt: at(-1) }), told(9, [new Held("now")])], ["Waiting for the first figures", "No figures yet: the live publisher is not running"]);
});

test("the URL holds what is not as usual, and leaves to others what is theirs", () => {
  const usual = { range: "15m", campaign: "" };
  assert.deepEqual(read("?range=24h&wall=1", usual), { range: "24h", campaign: "" });
  assert.equal(written("?wall=1", { range: "24h", campaign: "3" }, usual), "?wall=1&range=24h&campaign=3");
  assert.equal(written("?range=24h", usual, usual), "");
  assert.deepEqual([stream("now"), stream("trend", { title: "", range: "24h", compare: "week" })], ["now", "trend?compare=week&range=24h"]);
});

test("a file holds what it should: quoted where needed, nothing for what is not there, no formula", () => {
  assert.equal(csv([["a,b", 'say "x"', null], [-1.5, "=1+1", true]]), '"a,b","say ""x""",\r\n-1.5,\'=1+1,true\r\n');
  assert.equal(fileName("Revenue by campaign (UTC)", "csv"), "revenue-by-campaign-utc.csv");
});

test("rows without a figure come last whichever way they are sorted, and equals keep their order", () => {
  const rows = [{ n: null }, { n: 2, k: "a" }, { n: 5 }, { n: 2, k: "b" }];
  const order = (descending) => sorted(rows, (row) => row.n, descending).map((row) => `${row.n}${row.k ?? ""}`);
  assert.deepEqual([order(false), order(true)], [["2a", "2b", "5", "null"], ["5", "2a", "2b", "null"]]);
});

test("figures are written with their unit, and what is not there is a dash", () => {
  const write = writer("USD");
  assert.deepEqual(
    [write.value(null, "share"), write.value(0, "count"), write.value(1234, "count"), write.value(0.0123, "share"), write.value(1500000, "money"), write.interval([0.1, 0.2], "share"), write.interval([null, 1], "share")],
    ["–", "0", "1,234", "1.23%", "$1.50", "10.0% – 20.0%", ""],
  );
  assert.deepEqual([write.delta(0.05, 0.04, "share").text, write.delta(110, 100, "count"), write.delta(1, 0, "count"), write.delta(1, null, "count")], ["1.00 pp", { sign: 1, text: "10.0%" }, null, null]);
  assert.deepEqual([ago(3000), ago(125000), ago(7260000)], ["3 s", "2 min", "2 h 1 min"]);
});

const lines = { x: ["2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z"], series: [{ name: "CTR", values: [0.5, null], low: [0.4, null], high: [0.6, null] }] };
const spec = { kind: "ribbon", x: "time", step: "hour", unit: "share" };

test("the table behind a figure holds each value with its interval", () => {
  assert.deepEqual(textTable(spec, lines, writer("USD")), { head: ["Time (UTC)", "CTR"], rows: [["22 Nov, 07:00", "50.0% (40.0% – 60.0%)"], ["22 Nov, 08:00", "–"]] });
  assert.deepEqual(plainTable(spec, lines), [["time (UTC)", "CTR", "CTR low", "CTR high"], [lines.x[0], 0.5, 0.4, 0.6], [lines.x[1], null, null, null]]);
  assert.match(described("CTR by hour", spec, lines, writer("USD")), /^CTR by hour\. Line chart with intervals; last figures: CTR 50\.0%/);
});

test("series with an x of their own have rows of their own", () => {
  const roc = { series: [{ name: "v3", x: [0, 1], values: [0, 1] }] };
  assert.deepEqual(plainTable({ kind: "line", x: "number", xLabel: "false alarms" }, roc).slice(1), [["v3", null, 0, 0, null, null], ["v3", null, 1, 1, null, null]]);
});

test("a value without neighbours is shown as a point, and nothing at all is said to be nothing", () => {
  assert.deepEqual(lonely([1, null, 2, 3, null, 4]), [true, false, false, false, false, true]);
  assert.deepEqual(xy(lines, lines.series[0], true), [{ x: Date.parse(lines.x[0]), y: 0.5 }, { x: Date.parse(lines.x[1]), y: null }]);
  assert.deepEqual([isEmpty(null), isEmpty({ x: [1], series: [{ name: "a", values: [null] }] }), isEmpty(lines)], [true, true, false]);
});

test("a time axis is marked at round times, no more than there is room for", () => {
  const hours = timeTicks(at(0), at(86400), 9);
  assert.equal(hours.step, 3 * 3600 * 1000);
  assert.deepEqual(hours.values.map((one) => one % hours.step), hours.values.map(() => 0));
  for (const span of [60, 900, 86400, 30 * 86400, 900 * 86400]) assert.ok(timeTicks(at(0), at(span), 6).values.length <= 6, `${span}`);
});

test("a heat map takes its cells in rows or in one go, and shades from nothing to the most", () => {
  const nested = { rows: ["Mon", "Tue"], columns: [0, 1], cells: [[{ value: 0, n: 1 }, { value: 4 }], [{ value: null }, { value: 2 }]] };
  assert.deepEqual(heatRows({ ...nested, cells: nested.cells.flat() }), heatRows(nested));
  assert.deepEqual(heatRange(nested), [0, 4]);
  assert.deepEqual([0, 2, 4].map((value) => heatPart(value, [0, 4])), [0, 0.5, 1]);
});

// Colours: enough contrast on a card, and apart from each other also for eyes without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
const SHEETS = ["base", "live"].map((name) => readFileSync(new URL(`../../../static/css/${name}.css`, import.meta.url), "utf8")).join("\n");
const themed = (theme) => {
  const found = {};
  for (const [, selector, body] of SHEETS.matchAll(/(:root(?:\[data-theme="light"\])?) \{([^}]*)\}/g)) {
    if (selector === ":root" || theme === "light") for (const [, name, value] of body.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)) found[name] = value;
  }
  return found;
};
const linear = (hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (a, b) => {
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const EYES = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};
const seen = (hex, eye) => lab(EYES[eye].map((row) => Math.min(1, Math.max(0, row.reduce((sum, part, i) => sum + part * linear(hex)[i], 0)))));
const lab = ([r, g, b]) => {
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883].map(f);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

for (const theme of ["dark", "light"]) {
  test(`series colours stand out on a ${theme} card, for every kind of eye`, () => {
    const colours = themed(theme);
    const series = [1, 2, 3, 4, 5, 6].map((n) => colours[`--c${n}`]);
    for (const colour of series) assert.ok(contrast(colour, colours["--raised"]) >= 3, `${colour} on ${colours["--raised"]}: ${contrast(colour, colours["--raised"]).toFixed(2)}`);
    for (const eye of Object.keys(EYES)) {
      series.forEach((one, i) =>
        series.slice(i + 1, 4).forEach((other) => {
          const apart = Math.hypot(...seen(one, eye).map((c, k) => c - seen(other, eye)[k]));
          assert.ok(apart >= 15, `${one} and ${other} are only ${apart.toFixed(1)} apart for ${eye} eyes`);
        }),
      );
    }
  });
}

test("controls hold the values of a step back before anybody is told of it", () => {
  const control = { value: "" };
  const form = { elements: { namedItem: () => control }, addEventListener() {} };
  let back;
  globalThis.location = { search: "?device=tv", pathname: "/live/", hash: "" };
  globalThis.addEventListener = (_, listener) => (back = listener);
  const state = urlState({ device: "" });
  const heard = [];
  state.on(() => heard.push(control.value));
  state.bind(form);
  globalThis.location.search = "?device=mobile";
  back();
  assert.deepEqual(heard, ["mobile"]);
});
