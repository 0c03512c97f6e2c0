// A figure's data as a configuration of Chart.js, and the two things Chart.js does not draw: marks and whiskers.

import { DASHES, POINTS, faint } from "./palette.js";
import { lonely, unitOf, xText, xy } from "./points.js";
import { byDay, timeTicks } from "./ticks.js";

const LABEL_PX = 76;
const MOMENT_PX = 112; // with its day
const MARKED = 40; // up to so many points each has its marker

export const isBar = (spec) => spec.kind === "bar" || spec.kind === "hbar";
export const isLinear = (spec) => !isBar(spec) && (spec.x === "time" || spec.x === "number");

/** The configuration with which a chart of ``spec`` begins; ``datasets`` and ``paint`` fill it. */
export function configuration(spec, write, look) {
  return {
    type: spec.kind === "scatter" ? "scatter" : isBar(spec) ? "bar" : "line",
    data: { labels: [], datasets: [] },
    options: {
      animation: false,
      maintainAspectRatio: false,
      normalized: isLinear(spec) && spec.kind !== "scatter",
      indexAxis: spec.kind === "hbar" ? "y" : "x",
      interaction: spec.kind === "scatter" ? { mode: "nearest", intersect: false } : { mode: isLinear(spec) ? "nearest" : "index", axis: spec.kind === "hbar" ? "y" : "x", intersect: false },
      layout: { padding: { top: 6 } },
      scales: scales(spec, write, look),
      plugins: { legend: { display: false }, tooltip: tooltip(spec, write, look), filler: { propagate: false } },
    },
    plugins: [marks(look), whiskers(look)],
  };
}

function scales(spec, write, look) {
  const [along, across] = spec.kind === "hbar" ? ["y", "x"] : ["x", "y"];
  const units = spec.units ?? { [across]: spec.unit ?? "count" };
  const found = { [along]: xScale(spec, write) };
  Object.entries(units).forEach(([name, unit], at) => {
    found[spec.units ? name : across] = {
      axis: across,
      position: spec.kind === "hbar" ? "bottom" : at ? "right" : "left",
      beginAtZero: spec.zero !== false,
      min: spec.min,
      max: spec.max,
      suggestedMax: unit === "count" ? 4 : undefined,
      stacked: Boolean(spec.stacked),
      grid: { drawOnChartArea: !at },
      ticks: { maxTicksLimit: 6, precision: unit === "count" ? 0 : undefined, callback: (value) => write.axis(value, unit) },
      title: { display: Boolean(spec.yLabel) && !at, text: spec.yLabel },
    };
  });
  if (isLinear(spec) && spec.x === "time") found.x.afterBuildTicks = (scale) => roundTimes(scale, spec, write, look);
  return found;
}

function xScale(spec, write) {
  const title = { display: Boolean(spec.xLabel), text: spec.xLabel };
  if (!isLinear(spec)) {
    return { type: "category", stacked: Boolean(spec.stacked), title, grid: { display: false }, ticks: { maxRotation: spec.kind === "hbar" ? 0 : 40, autoSkip: spec.kind !== "hbar", autoSkipPadding: 12 } };
  }
  const ticks = spec.x === "time" ? { maxRotation: 0, autoSkip: false } : { maxRotation: 0, autoSkipPadding: 16, callback: (value) => write.axis(value, spec.xUnit ?? "number") };
  return { type: "linear", bounds: "data", offset: false, title, min: spec.xMin, max: spec.xMax, grid: { display: false }, ticks };
}

function roundTimes(scale, spec, write, look) {
  const long = scale.max - scale.min > 86400000;
  const { step, values } = timeTicks(scale.min, scale.max, Math.max(2, Math.floor(scale.chart.width / ((long ? MOMENT_PX : LABEL_PX) * (look().size / 12)))));
  scale.ticks = values.map((value) => ({ value }));
  scale.options.ticks.callback = (value) => (byDay(step) ? write.day(value) : long ? write.moment(value) : write.minute(value));
}

function tooltip(spec, write, look) {
  const across = spec.kind === "hbar" ? "x" : "y";
  return {
    filter: (item) => !item.dataset.band,
    callbacks: {
      title: (items) => (items.length ? titleOf(spec, items[0], write) : ""),
      label: ({ dataset, dataIndex, parsed }) => {
        const unit = dataset.unit;
        const band = dataset.low ? write.interval([dataset.low[dataIndex], dataset.high?.[dataIndex]], unit) : "";
        return `${dataset.label}: ${write.value(parsed[across], unit)}${band ? `  (${band})` : ""}`;
      },
      labelColor: ({ dataset }) => ({ borderColor: dataset.ink, backgroundColor: dataset.ink }),
      afterLabel: ({ dataset, dataIndex }) => dataset.notes?.[dataIndex] ?? undefined,
    },
    titleFont: () => ({ size: look().size }),
    bodyFont: () => ({ size: look().size }),
  };
}

function titleOf(spec, item, write) {
  if (item.dataset.labels?.[item.dataIndex]) return item.dataset.labels[item.dataIndex];
  if (!isLinear(spec)) return item.label;
  if (spec.x === "time") return `${spec.step === "day" ? write.day(item.parsed.x) : write.moment(item.parsed.x)} UTC`;
  return `${spec.xLabel ? `${spec.xLabel} ` : ""}${write.value(item.parsed.x, spec.xUnit ?? "number")}`;
}

/** Fill ``chart`` with ``data``; ``hidden`` are the names that are switched off. */
export function fill(chart, spec, data, { write, look, hidden }) {
  const colours = look();
  chart.data.labels = isLinear(spec) ? [] : data.x.map((x) => xText(spec, x, write));
  chart.data.datasets = data.series.flatMap((series, at) => (hidden.has(series.name) ? [] : datasets(spec, data, series, at, colours)));
  chart.$marks = data.marks ?? [];
  chart.$spec = spec;
  for (const [name, unit] of Object.entries(spec.units ?? {})) {
    chart.options.scales[name].display = data.series.some((series) => (series.axis ?? Object.keys(spec.units)[0]) === name && !hidden.has(series.name)) && Boolean(unit);
  }
}

function datasets(spec, data, series, at, colours) {
  const ink = colourOf(series, at, colours);
  const time = spec.x === "time";
  const axis = spec.units ? (series.axis ?? Object.keys(spec.units)[0]) : undefined;
  const place = spec.kind === "hbar" ? { xAxisID: axis ?? "x" } : { yAxisID: axis ?? "y" };
  const main = {
    label: series.name, unit: unitOf(spec, series), ink, borderColor: ink, low: series.low, high: series.high, notes: series.notes, labels: series.labels, order: at, ...place,
  }; // prettier-ignore
  if (isBar(spec)) return [{ ...main, data: series.values, backgroundColor: series.colours?.map((name) => colours[name] ?? ink) ?? faint(ink, series.dashed ? 0.35 : 0.85), borderWidth: series.dashed ? 1.5 : 0, borderRadius: 3, maxBarThickness: 44, whiskers: Boolean(series.low) }];
  const points = (values) => (isLinear(spec) ? xy(data, series, time, values) : values);
  const drawn = { ...main, ...stroke(spec, data, series, at, ink), data: points(series.values) };
  if (!series.low || spec.kind === "scatter") return [{ ...drawn, whiskers: Boolean(series.low) }];
  const edge = { ...place, band: true, borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0, stepped: drawn.stepped, order: 50 + at };
  return [drawn, { ...edge, data: points(series.low), fill: false }, { ...edge, data: points(series.high), fill: "-1", backgroundColor: faint(ink, 0.2) }];
}

export const colourOf = (series, at, colours) => (typeof series.colour === "string" ? (colours[series.colour] ?? series.colour) : colours.series[(series.colour ?? at) % colours.series.length]);
export const dashOf = (series, at) => (series.dashed ? [5, 4] : DASHES[(series.colour === undefined || typeof series.colour === "string" ? at : series.colour) % DASHES.length]);

function stroke(spec, data, series, at, ink) {
  const few = series.values.length <= MARKED && !series.dashed;
  const alone = lonely(series.values);
  const radius = spec.kind === "scatter" && !series.line ? 5 : few && data.series.length > 1 ? 3 : 0;
  const last = series.values.length - 1;
  return {
    showLine: spec.kind !== "scatter" || Boolean(series.line),
    stepped: spec.kind === "steps" ? "after" : false,
    borderWidth: series.dashed ? 1.6 : 2.2,
    borderDash: dashOf(series, at),
    segment: data.running ? { borderDash: (context) => (context.p1DataIndex === last ? [3, 4] : undefined) } : undefined,
    pointStyle: POINTS[at % POINTS.length],
    pointRadius: series.line === true ? 0 : alone.some(Boolean) ? alone.map((one) => (one ? 4 : radius)) : radius,
    pointHitRadius: 14,
    pointHoverRadius: 5,
    pointBackgroundColor: ink,
    backgroundColor: ink,
    clip: 8,
    fill: false,
  };
}

/** The colours and sizes of axes, from the theme. */
export function paint(chart, look) {
  const colours = look();
  const font = { size: colours.size, family: colours.font };
  for (const scale of Object.values(chart.options.scales)) {
    Object.assign(scale.ticks, { color: colours.ink2, font });
    Object.assign(scale.title, { color: colours.ink2, font });
    scale.grid.color = colours.line;
    scale.border = { color: colours.line };
  }
  Object.assign(chart.options.plugins.tooltip, {
    backgroundColor: colours.ground, titleColor: colours.ink, bodyColor: colours.ink, borderColor: colours.line, borderWidth: 1, padding: 10, caretSize: 5,
  }); // prettier-ignore
}

// A line where something happened: {x, label, kind: good|bad|warn}, or across at a value: {y, label}.
function marks(look) {
  return {
    id: "marks",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales: all, $marks: list = [], $spec: spec } = chart;
      if (!area) return;
      const colours = look();
      ctx.save();
      ctx.font = `${colours.size - 1}px ${colours.font}`;
      ctx.lineWidth = 1.4;
      const taken = [];
      for (const mark of list) {
        ctx.strokeStyle = ctx.fillStyle = colours[mark.kind] ?? colours.ink2;
        ctx.setLineDash([4, 3]);
        if (mark.y !== undefined) drawAcross(ctx, area, all, mark);
        else drawUpright(ctx, area, all.x, mark, spec, chart.data.labels, taken);
      }
      ctx.restore();
    },
  };
}

function drawAcross(ctx, area, all, mark) {
  const scale = all[mark.axis] ?? Object.values(all).find((one) => one.axis === "y");
  const y = scale.getPixelForValue(mark.y);
  if (y < area.top || y > area.bottom) return;
  line(ctx, area.left, y, area.right, y);
  if (mark.label) ctx.fillText(mark.label, area.left + 4, y - 4);
}

function drawUpright(ctx, area, scale, mark, spec, labels, taken) {
  const value = isLinear(spec) ? (spec.x === "time" ? Date.parse(mark.x) : mark.x) : labels.indexOf(mark.x);
  const x = scale.getPixelForValue(value);
  if (!(x >= area.left - 1 && x <= area.right + 1)) return;
  line(ctx, x, area.top, x, area.bottom);
  if (!mark.label) return;
  const wide = ctx.measureText(mark.label).width;
  const from = Math.min(x + 4, area.right - wide);
  // Words that would lie upon others are left to the table.
  if (taken.some(([start, end]) => from < end + 6 && from + wide > start - 6)) return;
  taken.push([from, from + wide]);
  ctx.fillText(mark.label, from, area.top + 10);
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

// Intervals of bars and of single points.
function whiskers(look) {
  return {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const { ctx } = chart;
      ctx.save();
      ctx.strokeStyle = look().ink;
      ctx.lineWidth = 1.4;
      chart.data.datasets.forEach((dataset, index) => {
        if (!dataset.whiskers) return;
        const meta = chart.getDatasetMeta(index);
        const lying = chart.options.indexAxis === "y";
        meta.data.forEach((element, at) => {
          const [low, high] = [dataset.low[at], dataset.high?.[at]];
          if (low === null || low === undefined || high === null || high === undefined) return;
          const [from, to] = [low, high].map((value) => meta.vScale.getPixelForValue(value));
          if (lying) [line(ctx, from, element.y, to, element.y), cap(ctx, from, element.y, true), cap(ctx, to, element.y, true)];
          else [line(ctx, element.x, from, element.x, to), cap(ctx, element.x, from, false), cap(ctx, element.x, to, false)];
        });
      });
      ctx.restore();
    },
  };
}

function cap(ctx, x, y, lying) {
  if (lying) line(ctx, x, y - 4, x, y + 4);
  else line(ctx, x - 4, y, x + 4, y);
}
