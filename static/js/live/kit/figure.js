// A figure in a section: legend, chart in a box of fixed height, the table behind it, PNG and CSV. See COLOURS in palette.js for its looks.

import { colourOf, configuration, dashOf, fill, paint } from "./chartjs.js";
import { saveCsv } from "./download.js";
import { button, make, patchRows, save, setText } from "./dom.js";
import { pageWriter } from "./format.js";
import { heat, heatRange, heatRows } from "./heat.js";
import { POINTS, tokens } from "./palette.js";
import { savePng } from "./png.js";
import { described, isEmpty, plainTable, textTable, unitOf, xText } from "./points.js";
import { sectionHead } from "./section.js";

let looked;
const look = () => (looked ??= tokens());
document.addEventListener("live-look", () => (looked = undefined), { capture: true });

/**
 * ``section``: the element, or the ID of ``<section data-figure="ID"><h2>..``. ``spec``:
 * - ``kind``: line | ribbon | steps | bar | hbar | scatter | heat
 * - ``x``: time (ISO) | number | category; ``step``: second | minute | hour | day, how times are written; ``xLabel``, ``yLabel``, ``xUnit``
 * - ``unit`` of all values, or ``units: {axis name: unit}`` with each series naming its ``axis`` (the second stands right)
 * - ``height`` in px (300), ``min``, ``max``, ``zero: false`` (the axis need not begin at 0), ``stacked``, ``empty``: words, ``legend: false``
 * - ``beside``: its table and CSV stand beside it already
 *
 * ``draw(data)``: {x, series: [{name, values, low?, high?, dashed?, axis?, colour? (0-5, or good|bad|warn|ink3), x? (of its own), line? (scatter), labels?, notes?
 * (a text a point)}], marks?: [{x | y, label, kind?: good|bad|warn}], running? (the last x is not complete), caption? (what range it is of)}.
 * A heat map: {rows, columns, cells: [{value, n?, note?}] (nested or in one go), caption?}. ``draw(null)`` says that there is nothing.
 */
export function figure(section, spec) {
  const element = typeof section === "string" ? document.querySelector(`[data-figure="${section}"]`) : section;
  const { head, tools, title } = sectionHead(element);
  const state = { element, spec, title, head, data: null, hidden: new Set(), write: pageWriter() };
  state.box = make("div", "figure-box");
  state.box.style.setProperty("--height", `${spec.height ?? 300}px`);
  state.nothing = make("p", "figure-nothing muted", "Waiting for the first figures");
  tools.append(save("PNG", title, () => png(state)));
  if (!spec.beside) tools.append(save("CSV", title, () => saveCsv(plain(state), state.title)));
  if (spec.kind === "heat") heatParts(state);
  else chartParts(state);
  document.addEventListener("live-look", () => state.data && redraw(state));
  return {
    element,
    draw: (data) => {
      state.data = data;
      redraw(state);
    },
    /** Another unit, height or axis from the next draw on: the measure was changed. */
    change: (changes) => {
      Object.assign(spec, changes);
      state.chart?.destroy();
      state.chart = null;
    },
  };
}

function chartParts(state) {
  const { element, box, nothing, spec } = state;
  state.canvas = make("canvas");
  state.canvas.setAttribute("role", "img");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${state.title}: chart, arrow keys read it point by point`);
  box.append(state.canvas, nothing);
  state.legend = make("ul", "figure-legend");
  state.legend.hidden = spec.legend === false;
  state.spoken = make("p", "visually-hidden");
  state.spoken.setAttribute("aria-live", "polite");
  state.body = make("tbody");
  state.tableHead = make("tr");
  state.markList = make("ul", "figure-marks");
  const grid = make("table", "grid", make("caption", "visually-hidden", state.title), make("thead", "", state.tableHead), state.body);
  state.details = make("details", "figure-table", make("summary", "", "Show as a table"), make("div", "scroll-x", grid), state.markList);
  state.details.hidden = Boolean(spec.beside);
  state.details.addEventListener("toggle", () => state.data && drawTable(state));
  element.append(state.legend, box, state.spoken, state.details);
  box.addEventListener("keydown", (event) => step(state, event));
  box.addEventListener("blur", () => point(state, null));
}

function heatParts(state) {
  state.box.classList.add("figure-heat");
  state.box.append(state.nothing);
  state.drawHeat = heat(state.box, state.spec, state.write, state.title);
  state.element.append(state.box);
}

function redraw(state) {
  const { data, spec } = state;
  const empty = spec.kind === "heat" ? !data || !heatRange(data) : isEmpty(data);
  state.nothing.hidden = !empty;
  if (empty) setText(state.nothing, spec.empty ?? "Nothing in this range yet");
  state.box.classList.toggle("empty", empty);
  if (spec.kind === "heat") return empty ? undefined : state.drawHeat(data);
  state.canvas.setAttribute("aria-label", described(state.title, spec, data, state.write));
  if (empty) return undefined;
  if (!state.chart) state.chart = new window.Chart(state.canvas, configuration(spec, state.write, look));
  fill(state.chart, spec, data, { write: state.write, look, hidden: state.hidden });
  paint(state.chart, look);
  state.chart.update("none");
  drawLegend(state);
  if (state.details.open) drawTable(state);
  return undefined;
}

function drawLegend(state) {
  const { legend, data, spec, hidden } = state;
  const signature = JSON.stringify([data.series.map(({ name, dashed, colour, note }) => [name, dashed, colour, note]), [...hidden], look().series, look().size]);
  if (spec.legend === false || state.legendOf === signature) return;
  state.legendOf = signature;
  const focused = legend.contains(document.activeElement) ? [...legend.querySelectorAll("button")].indexOf(document.activeElement) : -1;
  legend.replaceChildren(...data.series.map((series, at) => make("li", "", key(state, series, at))));
  if (focused >= 0) legend.querySelectorAll("button")[focused]?.focus();
}

function key(state, series, at) {
  const chosen = button("", () => {
    if (!state.hidden.delete(series.name)) state.hidden.add(series.name);
    redraw(state);
  }, "legend-key");
  chosen.setAttribute("aria-pressed", !state.hidden.has(series.name));
  chosen.append(swatch(state.spec, series, at), make("span", "", series.name), series.note ? make("small", "muted", series.note) : "");
  return chosen;
}

function swatch(spec, series, at) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 26 10");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("legend-swatch");
  const bar = spec.kind === "bar" || spec.kind === "hbar";
  const dots = spec.kind === "scatter" && !series.line;
  const shape = document.createElementNS(svg.namespaceURI, bar ? "rect" : dots ? "circle" : "line");
  const ink = colourOf(series, at, look());
  const as = bar ? { x: 4, y: 0, width: 18, height: 10, rx: 2, fill: ink, "fill-opacity": series.dashed ? 0.35 : 0.85 }
    : dots ? { cx: 13, cy: 5, r: 4, fill: ink }
    : { x1: 0, y1: 5, x2: 26, y2: 5, stroke: ink, "stroke-width": 2.4, "stroke-dasharray": dashOf(series, at).join(" ") || "none" };
  for (const [name, value] of Object.entries(as)) shape.setAttribute(name, value);
  svg.dataset.point = POINTS[at % POINTS.length];
  svg.append(shape);
  return svg;
}

function drawTable(state) {
  const { data, spec, write } = state;
  if (isEmpty(data)) return patchRows(state.body, []);
  const { head, rows } = textTable(spec, data, write);
  const cells = head.map((text) => Object.assign(make("th", "", text), { scope: "col" }));
  if (head.join() !== [...state.tableHead.cells].map((cell) => cell.textContent).join()) state.tableHead.replaceChildren(...cells);
  patchRows(state.body, spec.x === "time" ? rows.reverse() : rows);
  const marks = (data.marks ?? []).filter((mark) => mark.label);
  state.markList.replaceChildren(...marks.map((mark) => make("li", "", `${mark.x === undefined ? write.value(mark.y, spec.unit) : xText(spec, mark.x, write)}: ${mark.label}`)));
  return undefined;
}

// Arrow keys move the tooltip from point to point and say what it holds.
function step(state, event) {
  const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") return point(state, null);
  if (!way || isEmpty(state.data)) return undefined;
  event.preventDefault();
  const length = Math.max(...state.data.series.map((series) => series.values.length));
  const from = state.at ?? (way > 0 ? -1 : length);
  return point(state, Math.min(length - 1, Math.max(0, from + way)));
}

function point(state, at) {
  state.at = at;
  const { chart, data, spec, write } = state;
  if (!chart) return;
  const active = [];
  chart.data.datasets.forEach((dataset, datasetIndex) => at !== null && !dataset.band && dataset.data.length > at && active.push({ datasetIndex, index: at }));
  chart.setActiveElements(active);
  const place = active.length ? chart.getDatasetMeta(active[0].datasetIndex).data[at] : null;
  chart.tooltip.setActiveElements(active, place ? { x: place.x, y: place.y } : { x: 0, y: 0 });
  chart.update("none");
  if (at === null) return;
  const shown = data.series.filter((series) => !state.hidden.has(series.name) && at < series.values.length);
  const x = data.x?.[at] ?? shown[0]?.x?.[at];
  setText(state.spoken, `${xText(spec, x, write)}: ${shown.map((series) => `${series.name} ${write.value(series.values[at], unitOf(spec, series))}`).join(", ")}`);
}

function plain(state) {
  const { data, spec } = state;
  if (spec.kind !== "heat") return isEmpty(data) ? [["nothing yet"]] : plainTable(spec, data);
  if (!data) return [["nothing yet"]];
  return [["row", "column", `value${spec.unit === "money" ? " (micros)" : ""}`, "n"], ...heatRows(data).flatMap((row, at) => row.map((cell, column) => [data.rows[at], data.columns[column], cell.value, cell.n ?? null]))];
}

function png(state) {
  const at = document.getElementById("live")?.dataset.builtAt;
  const caption = [state.data?.caption ?? "", at ? `as of ${state.write.moment(at)} UTC` : ""].filter(Boolean).join(", ");
  savePng({ title: state.title, caption, look: look(), canvas: state.chart?.canvas ?? null, heat: state.spec.kind === "heat" ? state.data : null, legend: keys(state) });
}

const keys = (state) =>
  state.spec.kind === "heat" || !state.data ? [] : state.data.series.map((series, at) => ({ series, at })).filter(({ series }) => !state.hidden.has(series.name)).map(({ series, at }) => ({ name: series.name, ink: colourOf(series, at, look()), dash: dashOf(series, at) }));
