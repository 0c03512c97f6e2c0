// The chart an answer asks for, drawn by the figures of the live pages. Its spec (insights/chat/charts.py) names columns of the result; the table beside
// it holds the same figures.

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
const known = (answer, spec) => [...spec.y, spec.x, spec.series, spec.names].every((name) => !name || index(answer, name) >= 0);
const unitOf = (answer, name) => UNITS[answer.columns[index(answer, name)].unit] ?? answer.columns[index(answer, name)].unit ?? "number";

/** The kit's money is in micros. */
const scaled = (value, unit) => (value === null || value === undefined ? null : unit === "money" ? Number(value) * 1e6 : Number(value));

function tiles(answer, spec) {
  const list = make("dl", "kpis");
  const found = new Map();
  for (const name of spec.y) {
    const tile = make("div", "kpi", make("dt", "", answer.columns[index(answer, name)].label), make("dd", "", answer.cells[0][index(answer, name)]));
    const beside = against(answer, spec, name);
    if (beside) tile.append(beside);
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

/** How a figure moved against the earlier period, with a sign of its own beside the colour. */
function against(answer, spec, name) {
  const before = spec.before?.[name];
  const [was, change] = [index(answer, before), index(answer, `${name}_change`)];
  if (was < 0 || change < 0 || answer.rows[0][was] === null || answer.rows[0][change] === null) return null;
  const sign = Math.sign(answer.rows[0][change]);
  const growth = index(answer, `${name}_growth`);
  const moved = answer.cells[0][growth >= 0 && answer.rows[0][growth] !== null ? growth : change];
  const words = make("p", "kpi-change", `${sign > 0 ? "▲" : sign < 0 ? "▼" : "="} ${moved}`, make("small", "", ` from ${answer.cells[0][was]}`));
  const good = { up: sign, down: -sign }[spec.better?.[name]] ?? 0;
  words.dataset.way = good > 0 ? "good" : good < 0 ? "bad" : "";
  return words;
}

const SHAPES = { scatter: points, stacked: parts };

function plot(answer, spec) {
  const drawn = (SHAPES[spec.type] ?? (spec.series ? bySeries : byColumn))(answer, spec);
  const section = make("section", "figure answer-chart", make("h3", "", title(answer, spec)));
  const box = figure(section, drawn.spec);
  // Drawn once it is in the page: a canvas outside has no size.
  requestAnimationFrame(() => section.isConnected && box.draw(drawn.data));
  return { element: section, mark() {} };
}

function title(answer, spec) {
  const name = (column) => answer.columns[index(answer, column)].label;
  const figures = spec.type === "paired" ? name(spec.y[1]) : spec.y.filter((column) => !column.endsWith("_before")).map(name).join(", ");
  const by = (spec.type === "scatter" ? [spec.x] : [spec.x, spec.series]).filter(Boolean).map(name).join(" and ");
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
  return {
    kind: lying ? "hbar" : bars ? "bar" : "line",
    x: bars ? "category" : time ? "time" : "category",
    step: column.unit === "hour" ? "hour" : "day",
    unit,
    beside: true,
    legend: sets > 1,
    zero: bars || unit !== "share",
    height: lying ? Math.max(120, 54 + length * Math.max(30, 20 * sets)) : 260,
  };
}

function byColumn(answer, spec) {
  const at = index(answer, spec.x);
  const x = names(answer, spec, at, answer.rows.length > 1);
  const series = spec.y.slice(0, MOST_SERIES).map((name, number) => {
    const unit = unitOf(answer, name);
    const label = spec.labels?.[number] || answer.columns[index(answer, name)].label;
    return { name: label, unit, values: answer.rows.map((row) => scaled(row[index(answer, name)], unit)), dashed: name.endsWith("_before") };
  });
  return { spec: axes(answer, spec, x.length, series.length), data: { x, series, running: Boolean(spec.partial) } };
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
  return { spec: axes(answer, spec, keys.length, series.length), data: { x: first.map((row) => x[row]), series, caption, running: Boolean(spec.partial) } };
}

/** One bar of the whole, in its parts. */
function parts(answer, spec) {
  const [x, y] = [index(answer, spec.x), index(answer, spec.y[0])];
  const unit = unitOf(answer, spec.y[0]);
  const series = answer.rows.slice(0, MOST_SERIES).map((row, at) => ({ name: answer.cells[at][x], unit, values: [scaled(row[y], unit)], note: answer.cells[at][y] }));
  const whole = series.reduce((sum, { values }) => sum + (values[0] ?? 0), 0);
  return { spec: { kind: "hbar", x: "category", unit, stacked: true, max: whole > 1 ? undefined : 1, beside: true, height: 110 }, data: { x: [""], series } };
}

function points(answer, spec) {
  const [x, y] = [index(answer, spec.x), index(answer, spec.y[0])];
  const [xUnit, unit] = [unitOf(answer, spec.x), unitOf(answer, spec.y[0])];
  const named = index(answer, spec.names);
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
