import { make } from "./dom.js";

/** Draws the chart an answer asks for: {type: kpi|bar|line, x, y, series}. Figures beside it are the server's own wording. */
export function draw(answer) {
  const spec = answer.chart;
  if (!spec) return null;
  if (spec.type === "kpi") return tiles(answer, spec);
  if (!window.Chart) return null;
  return plot(answer, spec);
}

function index(answer, name) {
  return answer.columns.findIndex((column) => column.name === name);
}

function tiles(answer, spec) {
  const list = make("dl", "kpis");
  for (const name of spec.y) {
    const at = index(answer, name);
    list.append(make("div", "kpi", make("dt", "", answer.columns[at].label), make("dd", "", answer.cells[0][at])));
  }
  return list;
}

function datasets(answer, spec) {
  const x = index(answer, spec.x);
  if (!spec.series) {
    const labels = answer.cells.map((row) => row[x]);
    return { labels, sets: spec.y.map((name) => column(answer, name)) };
  }
  const by = index(answer, spec.series);
  const y = index(answer, spec.y[0]);
  const labels = [...new Set(answer.cells.map((row) => row[x]))];
  const names = [...new Set(answer.cells.map((row) => row[by]))].slice(0, 8);
  const sets = names.map((name) => {
    const found = new Map(answer.rows.map((row, at) => [answer.cells[at], row[y]]).filter(([cells]) => cells[by] === name).map(([cells, value]) => [cells[x], value]));
    return { label: name, data: labels.map((label) => found.get(label) ?? null) };
  });
  return { labels, sets };
}

function column(answer, name) {
  const at = index(answer, name);
  return { label: answer.columns[at].label, data: answer.rows.map((row) => row[at]) };
}

function axisText(value, unit, currency) {
  if (unit === "share") return `${(100 * value).toLocaleString("en", { maximumFractionDigits: 2 })}%`;
  if (unit === "money") return value.toLocaleString("en", { style: "currency", currency, notation: "compact" });
  const text = value.toLocaleString("en", { notation: "compact" });
  return unit === "hours" ? `${text} h` : text;
}

function options(answer, spec, colours, horizontal, sets) {
  const unit = answer.columns[index(answer, spec.y[0])].unit;
  const values = {
    beginAtZero: true,
    grid: { color: colours.line },
    border: { display: false },
    ticks: { color: colours.ink2, callback: (value) => axisText(value, unit, answer.currency) },
  };
  const names = { grid: { display: false }, border: { color: colours.line }, ticks: { color: colours.ink2, autoSkip: !horizontal, autoSkipPadding: 18, maxRotation: 0 } };
  return {
    indexAxis: horizontal ? "y" : "x",
    responsive: true,
    maintainAspectRatio: false,
    animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 350 },
    scales: horizontal ? { x: values, y: names } : { x: names, y: values },
    plugins: {
      legend: { display: sets.length > 1, labels: { color: colours.ink, boxWidth: 12 } },
      tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${axisText(horizontal ? item.parsed.x : item.parsed.y, unit, answer.currency)}` } },
    },
  };
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ink: read("--ink"),
    ink2: read("--ink-2"),
    line: read("--line"),
    series: ["--series-1", "--series-2", "--series-3", "--series-4", "--good", "--warn", "--bad", "--ink-3"].map(read),
  };
}

function plot(answer, spec) {
  const colours = palette();
  const { labels, sets } = datasets(answer, spec);
  const horizontal = spec.type === "bar" && spec.x !== "time";
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${spec.type === "line" ? "Line" : "Bar"} chart; the table below holds its figures`);
  const box = make("div", "chart-box", canvas);
  box.style.height = `${horizontal ? Math.max(140, 60 + labels.length * sets.length * 34) : 260}px`;
  const drawn = sets.map((set, at) => ({
    ...set,
    borderColor: colours.series[at % colours.series.length],
    backgroundColor: colours.series[at % colours.series.length],
    borderWidth: spec.type === "line" ? 2 : 0,
    borderRadius: 4,
    maxBarThickness: 30,
    pointRadius: labels.length > 40 ? 0 : 3,
    tension: 0.2,
    spanGaps: false,
  }));
  // Drawn once it is in the page: a canvas outside has no size.
  requestAnimationFrame(() => new window.Chart(canvas, { type: spec.type, data: { labels, datasets: drawn }, options: options(answer, spec, colours, horizontal, drawn) }));
  return box;
}
