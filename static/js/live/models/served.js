// How long decisions took as served: the last hour in figures, the last day hour by hour and as a histogram.

import { setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { known, tiles } from "./words.js";

const element = (id) => document.getElementById(id);
const LOGS = { ads: "the ad server", director: "the Director" };

export function servedPart({ write }) {
  const times = figure("times", { kind: "line", x: "time", step: "hour", unit: "ms", height: 280, empty: "No decision was made in these hours" });
  const spread = figure("spread", { kind: "bar", x: "category", unit: "count", height: 280, legend: false, empty: "No decision was made in these hours" });
  const ms = (key) => (row) => (known(row[key]) ? write.ms(row[key]) : NOTHING);
  const answered = table("answered", {
    columns: [
      { key: "name", label: "Answered by" },
      { key: "n", label: "Decisions", unit: "count" },
      { key: "p50", label: "Median", text: ms("p50") },
      { key: "p95", label: "p95", text: ms("p95") },
      { key: "p99", label: "p99", text: ms("p99") },
    ],
    key: (row) => row.name,
    empty: "No decision was made in the last hour.",
  });

  return function draw(kind, { served }) {
    const log = served?.logs[kind.log];
    setText(element("served-note"), words(kind, log, served, write));
    const recent = log?.recent;
    tiles(element("served-tiles"), ["p50", "p95", "p99", "max"].map((name) => ({ label: name === "max" ? "Slowest" : name, value: known(recent?.[name]) ? write.ms(recent[name]) : NOTHING, note: recent ? few(name, recent.n, write) : "" })));
    times.draw(hours(log, served));
    spread.draw(bars(log, served, write));
    answered.draw(recent ? by(kind, recent) : []);
  };
}

// Of fewer, that percentile is hardly more than the slowest of them.
const ENOUGH = { p50: 2, p95: 20, p99: 100, max: 1 };
const few = (name, n, write) => (n && n < ENOUGH[name] ? `n ${write.count(n)}: too few to tell it from the slowest` : `n ${write.count(n)}`);

function words(kind, log, served, write) {
  if (!kind.log) return "a worker scores viewers, nobody waits for an answer: no response time";
  if (!log) return "not worked out yet: the worker does so each minute";
  const { n, since, until, synthetic } = log.recent;
  const whose = known(synthetic) ? `, ${write.share(synthetic)} of synthetic viewers` : "";
  return `whole decisions of ${LOGS[kind.log]} from ${write.clock(since)} to ${write.clock(until)} UTC: ${write.count(n)}${whose}; worked out ${write.clock(served.at)}`;
}

function hours(log, served) {
  if (!log?.hours.some(({ n }) => n)) return null;
  const of = (name) => log.hours.map((hour) => hour[name]);
  return {
    x: of("hour"),
    running: log.hours.at(-1).until === served.at,
    series: [["p50", "Median"], ["p95", "p95"], ["p99", "p99"]].map(([key, name]) => ({ name, values: of(key), notes: log.hours.map(({ n }) => `${n} decisions`) })),
  };
}

function bars(log, served, write) {
  if (!log) return null;
  const sums = log.hours.reduce((total, { bars: counts }) => counts.map((count, at) => count + (total[at] ?? 0)), []);
  const total = sums.reduce((sum, count) => sum + count, 0);
  if (!total) return null;
  setText(element("spread-note"), `last 24 hours, ${write.count(total)} decisions`);
  const { edges } = served;
  const names = sums.map((_, at) => (at === 0 ? `under ${edges[0]}` : at === edges.length ? `over ${edges.at(-1)}` : `${edges[at - 1]}–${edges[at]}`));
  return { x: names.map((name) => `${name} ms`), series: [{ name: "Decisions", values: sums, notes: sums.map((count) => write.share(count / total)) }] };
}

function by(kind, recent) {
  const versions = (recent.by[kind.column] ?? []).map((row) => ({ ...row, name: row.value === null ? "no model" : `v${row.value}` }));
  const arms = (recent.by.model_arm ?? []).map((row) => ({ ...row, name: `arm: ${row.value || "untold"}` }));
  return [...versions, ...arms];
}
