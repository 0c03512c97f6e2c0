// The data of a figure as points, as words and as rows: everything that can be known without a canvas.

const known = (value) => value !== null && value !== undefined;

export const xOf = (data, series) => series.x ?? data.x ?? [];
export const unitOf = (spec, series) => (series.axis && spec.units?.[series.axis]) || series.unit || spec.unit || "count";
export const isEmpty = (data) => !data || !data.series?.some((series) => series.values.some(known));

/** [{x, y}] for axes with numbers; times become milliseconds. */
export function xy(data, series, time, values = series.values) {
  return xOf(data, series).map((x, at) => ({ x: time ? Date.parse(x) : x, y: values[at] ?? null }));
}

/** Positions of values that have no neighbour: no line would show them. */
export function lonely(values) {
  return values.map((value, at) => known(value) && !known(values[at - 1]) && !known(values[at + 1]));
}

/** How x is written in tables: a time by its step, a category as it is. */
export function xText(spec, x, write) {
  if (spec.x === "time") return spec.step === "day" ? write.day(x) : spec.step === "minute" ? write.minute(x) : spec.step === "second" ? write.clock(x) : write.moment(x);
  if (spec.x === "number") return write.value(x, spec.xUnit ?? "number");
  return String(x);
}

/** The table behind a figure: its head, and a row of texts for each x, in the order of the axis. Series with their own x have rows of their own. */
export function textTable(spec, data, write) {
  return rows(spec, data, {
    x: (x) => xText(spec, x, write),
    y: (value, unit) => write.value(value, unit),
    band: (low, high, unit) => (known(low) && known(high) ? ` (${write.value(low, unit)} – ${write.value(high, unit)})` : ""),
  });
}

function rows(spec, data, as) {
  const own = data.series.some((series) => series.x);
  if (own) {
    const list = data.series.flatMap((series) =>
      xOf(data, series).map((x, at) => [series.labels?.[at] ?? series.name, as.x(x), cellText(spec, series, at, as)]),
    );
    return { head: ["", spec.xLabel ?? "x", spec.yLabel ?? "y"], rows: list };
  }
  const head = [spec.xLabel ?? (spec.x === "time" ? "Time (UTC)" : ""), ...data.series.map((series) => series.name)];
  return { head, rows: data.x.map((x, at) => [as.x(x), ...data.series.map((series) => cellText(spec, series, at, as))]) };
}

function cellText(spec, series, at, as) {
  const unit = unitOf(spec, series);
  return as.y(series.values[at], unit) + as.band(series.low?.[at], series.high?.[at], unit);
}

/** Plain values for a file: raw figures, and intervals in columns of their own. */
export function plainTable(spec, data) {
  const own = data.series.some((series) => series.x);
  const parts = (series) => [["", series.values], ...(series.low ? [[" low", series.low]] : []), ...(series.high ? [[" high", series.high]] : [])];
  const name = (series) => (unitOf(spec, series) === "money" ? `${series.name} (micros)` : series.name);
  if (own) {
    const list = data.series.flatMap((series) =>
      xOf(data, series).map((x, at) => [series.name, series.labels?.[at] ?? null, x, series.values[at] ?? null, series.low?.[at] ?? null, series.high?.[at] ?? null]),
    );
    return [["series", "label", spec.xLabel ?? "x", spec.yLabel ?? "y", "low", "high"], ...list];
  }
  const columns = data.series.flatMap((series) => parts(series).map(([ending, values]) => [`${name(series)}${ending}`, values]));
  return [[spec.xLabel ?? (spec.x === "time" ? "time (UTC)" : "name"), ...columns.map(([title]) => title)], ...data.x.map((x, at) => [x, ...columns.map(([, values]) => values[at] ?? null)])];
}

const KINDS = { line: "Line chart", ribbon: "Line chart with intervals", steps: "Step chart", bar: "Bar chart", hbar: "Bar chart", scatter: "Scatter plot" };

/** What somebody who does not see the figure is told it shows. */
export function described(title, spec, data, write) {
  if (isEmpty(data)) return `${title}: nothing to show yet`;
  const latest = data.series.slice(0, 4).map((series) => {
    const at = series.values.findLastIndex(known);
    return at < 0 ? null : `${series.name} ${write.value(series.values[at], unitOf(spec, series))}`;
  });
  const words = spec.x === "time" ? "last figures" : "figures";
  const list = spec.x === "time" ? `; ${words}: ${latest.filter(Boolean).join(", ")}` : ` of ${data.series.map((series) => series.name).join(", ")}`;
  return `${title}. ${KINDS[spec.kind] ?? "Chart"}${list}. The table below holds its figures.`;
}
