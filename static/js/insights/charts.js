// The chart an answer asks for, drawn by the figures of the live pages: {type: kpi | line | bar | stacked | scatter | paired, x, y: [columns], series?}
// names columns of the result. The table beside it holds the same figures.

import { make } from "../live/kit/dom.js";
import { figure } from "../live/kit/figure.js";

const MOST_SERIES = 6;
const UNITS = { milliseconds: "ms" };

/** ``{element, mark(column)}`` or null: where nothing fits, the table alone is shown. */
export function chart(answer) {
  const spec = answer.chart;
  if (!spec || !answer.rows.length || !known(answer, spec)) return null;
  if (spec.type === "kpi") return tiles(answer, spec);
  return window.Chart ? plot(answer, spec) : null;
}

const index = (answer, name) => answer.columns.findIndex((column) => column.name === name);
const known = (answer, spec) => [...spec.y, spec.x, spec.series].every((name) => !name || index(answer, name) >= 0);
const unitOf = (answer, name) => UNITS[answer.columns[index(answer, name)].unit] ?? answer.columns[index(answer, name)].unit ?? "number";

/** The kit's money is in micros. */
const scaled = (value, unit) => (value === null || value === undefined ? null : unit === "money" ? Number(value) * 1e6 : Number(value));

function tiles(answer, spec) {
  const list = make("dl", "kpis");
  const found = new Map();
  for (const name of spec.y) {
    const tile = make("div", "kpi", make("dt", "", answer.columns[index(answer, name)].label), make("dd", "", answer.cells[0][index(answer, name)]));
    const beside = ["change", "growth"].map((part) => index(answer, `${name}_${part}`)).filter((at) => at >= 0 && answer.rows[0][at] !== null);
    if (beside.length) tile.append(make("p", "kpi-change", beside.map((at) => answer.cells[0][at]).join(" · ")));
    found.set(name, tile);
    list.append(tile);
  }
  return {
    element: list,
    mark(column) {
      for (const [name, tile] of found) tile.classList.toggle("marked", name === column);
    },
  };
}

function plot(answer, spec) {
  const drawn = spec.type === "scatter" ? points(answer, spec) : spec.series ? bySeries(answer, spec) : byColumn(answer, spec);
  const section = make("section", "figure answer-chart", make("h3", "", title(answer, spec)));
  const box = figure(section, drawn.spec);
  // Drawn once it is in the page: a canvas outside has no size.
  requestAnimationFrame(() => section.isConnected && box.draw(drawn.data));
  return { element: section, mark() {} };
}

function title(answer, spec) {
  const name = (column) => answer.columns[index(answer, column)].label;
  const figures = spec.type === "paired" ? name(spec.y[0]) : spec.y.map(name).join(", ");
  const by = [spec.x, spec.series].filter(Boolean).map(name).join(" and ");
  return `${figures.charAt(0).toUpperCase()}${figures.slice(1)}${by ? ` ${spec.type === "scatter" ? "against" : "by"} ${by}` : ""}`;
}

/** What the axes are: time runs to the right, names stand below each other so that long ones can be read. */
function axes(answer, spec, length, sets) {
  const column = answer.columns[index(answer, spec.x)];
  const time = column.role === "time" || column.name === "time";
  // A line needs two points.
  const bars = spec.type !== "line" || length < 2;
  const lying = bars && !time;
  const unit = unitOf(answer, spec.y[0]);
  const stacked = spec.type === "stacked";
  return {
    kind: lying ? "hbar" : bars ? "bar" : "line",
    x: bars ? "category" : time ? "time" : "category",
    step: column.unit === "hour" ? "hour" : "day",
    unit,
    stacked,
    beside: true,
    legend: sets > 1,
    zero: bars || unit !== "share",
    height: lying ? Math.max(120, 54 + length * (stacked ? 38 : Math.max(30, 20 * sets))) : 260,
  };
}

function byColumn(answer, spec) {
  const at = index(answer, spec.x);
  const x = names(answer, spec, at, answer.rows.length > 1);
  const series = spec.y.slice(0, MOST_SERIES).map((name, number) => {
    const unit = unitOf(answer, name);
    return { name: answer.columns[index(answer, name)].label, unit, values: answer.rows.map((row) => scaled(row[index(answer, name)], unit)), dashed: spec.type === "paired" && number > 0 };
  });
  return { spec: axes(answer, spec, x.length, series.length), data: { x, series } };
}

function bySeries(answer, spec) {
  const [at, by, y] = [index(answer, spec.x), index(answer, spec.series), index(answer, spec.y[0])];
  const unit = unitOf(answer, spec.y[0]);
  const keys = [...new Set(answer.rows.map((row) => row[at]))];
  const first = keys.map((key) => answer.rows.findIndex((row) => row[at] === key));
  const x = names(answer, spec, at, keys.length > 1);
  const groups = [...new Set(answer.cells.map((row) => row[by]))];
  const series = groups.slice(0, MOST_SERIES).map((name) => {
    const found = new Map(answer.rows.filter((_, row) => answer.cells[row][by] === name).map((row) => [row[at], scaled(row[y], unit)]));
    return { name, values: keys.map((key) => found.get(key) ?? null) };
  });
  const rest = groups.length - series.length;
  const caption = rest > 0 ? `the first ${MOST_SERIES} of ${groups.length}` : "";
  return { spec: axes(answer, spec, keys.length, series.length), data: { x: first.map((row) => x[row]), series, caption } };
}

function points(answer, spec) {
  const [x, y] = [index(answer, spec.x), index(answer, spec.y[0])];
  const [xUnit, unit] = [unitOf(answer, spec.x), unitOf(answer, spec.y[0])];
  const named = answer.columns.findIndex(({ role }) => role !== "measure");
  const rows = answer.rows.map((row, at) => ({ row, at })).filter(({ row }) => row[x] !== null && row[y] !== null);
  const series = [{
    name: answer.columns[y].label, unit, x: rows.map(({ row }) => scaled(row[x], xUnit)), values: rows.map(({ row }) => scaled(row[y], unit)),
    labels: rows.map(({ at }) => (named < 0 ? `row ${at + 1}` : answer.cells[at][named])),
  }]; // prettier-ignore
  const label = (at) => answer.columns[at].label;
  return { spec: { kind: "scatter", x: "number", xUnit, unit, xLabel: label(x), yLabel: label(y), zero: false, legend: false, beside: true, height: 300 }, data: { x: [], series } };
}

/** A time as the kit reads it, else the name as people read it. */
function names(answer, spec, at, several) {
  const time = answer.columns[at].role === "time";
  return answer.rows.map((row, number) => (time && several && spec.type === "line" ? iso(row[at]) : answer.cells[number][at]));
}

const iso = (value) => (String(value).length === 10 ? `${value}T00:00:00Z` : String(value));
