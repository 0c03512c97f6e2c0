// A ribbon for each metric: the difference and its interval at every look. Fetched when a look is new, and only for what is on screen.

import { make } from "../kit/dom.js";
import { figure } from "../kit/figure.js";

// The first intervals are so wide that nothing else could be seen: the axis goes this many times as far as the last one.
const REACH = 2.5;

/** Call what it returns with each newer snapshot of the experiment. */
export function ribbons(place, waiting, address) {
  const shown = new Map();
  const seen = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => arrived(shown.get(target.dataset.metric), isIntersecting, address)), { rootMargin: "200px" });
  return (one) => {
    const told = new Set(one.rows.filter((row) => row.effect || row.verdict === "not_read").map((row) => row.metric));
    const untold = one.metrics.filter(({ name }) => !told.has(name) && !shown.has(name));
    waiting.textContent = untold.length ? `No interval yet: ${untold.map(({ title }) => title.toLowerCase()).join(", ")}.` : "";
    for (const metric of one.metrics.filter((known) => !untold.includes(known))) {
      if (!shown.has(metric.name)) shown.set(metric.name, added(place, metric, seen));
      const ribbon = shown.get(metric.name);
      ribbon.wanted = one.looked_at;
      if (ribbon.visible) load(ribbon, address);
    }
  };
}

function added(place, metric, seen) {
  const title = make("h3", "", metric.title);
  const section = make("section", "card figure", title, make("p", "muted", metric.deciding ? "decides it" : ""));
  section.dataset.metric = metric.name;
  section.dataset.figure = `ribbon-${metric.name}`;
  place.append(section);
  const chart = figure(section, { kind: "ribbon", x: "time", unit: "share", height: 240, empty: "No interval yet: not enough evidence" });
  chart.draw(null);
  seen.observe(section);
  return { metric: metric.name, note: section.querySelector("p"), chart, visible: false, wanted: null, loaded: undefined, loading: false };
}

function arrived(ribbon, visible, address) {
  ribbon.visible = visible;
  if (visible) load(ribbon, address);
}

async function load(ribbon, address) {
  if (ribbon.loading || ribbon.loaded === ribbon.wanted) return;
  ribbon.loading = true;
  const wanted = ribbon.wanted;
  try {
    const answer = await fetch(`${address}ribbon.json?metric=${encodeURIComponent(ribbon.metric)}`);
    if (answer.ok) {
      draw(ribbon, await answer.json());
      ribbon.loaded = wanted;
    }
  } catch {
    // The bar tells that the server is away; the next snapshot asks again.
  } finally {
    ribbon.loading = false;
  }
}

/** As shares of the control where those are told, else in the metric's own unit. */
function draw({ chart, note }, found) {
  const shares = found.arms.some((arm) => arm.change.some((value) => value !== null));
  const [middle, low, high] = shares ? ["change", "change_low", "change_high"] : ["effect", "low", "high"];
  // From the first interval on: before it there was not enough evidence.
  const x = [...new Set(found.arms.flatMap((arm) => arm.at.slice(arm[middle].findIndex((value) => value !== null))))].sort();
  const series = found.arms.map((arm) => {
    const at = new Map(arm.at.map((time, place) => [time, place]));
    const column = (name) => x.map((time) => arm[name][at.get(time)] ?? null);
    return { name: arm.name, values: column(middle), low: column(low), high: column(high), notes: x.map((time) => units(arm, at.get(time))) };
  });
  note.textContent = [shares ? "share of the control" : found.unit, `${found.better} is better`].join(", ");
  // Its label would lie on that of a guardrail beside it; the axis says 0.
  const worst = allowed(found, shares);
  const marks = [{ y: 0, label: worst === null ? "no difference" : "" }];
  if (worst !== null) marks.push({ y: worst, label: `guardrail: ${Number((found.worst * 100).toFixed(1))} % worse`, kind: "bad" });
  chart.change({ unit: shares ? "share" : "number", zero: false, ...axis(series, marks) });
  chart.draw({ x, series, marks });
}

const units = (arm, at) => (at === undefined ? null : `${arm.units[at]} units beside ${arm.control_units[at]} of the control`);

function allowed({ worst, better, arms }, shares) {
  if (worst === null) return null;
  const way = better === "higher" ? -worst : worst;
  const control = arms.at(0)?.control_mean.at(-1) ?? null;
  return shares ? way : control === null ? null : way * control;
}

function axis(series, marks) {
  const ends = series.flatMap(({ values, low, high }) => {
    const last = values.findLastIndex((value) => value !== null);
    if (last < 0) return [];
    const half = Math.max(high[last] - values[last], values[last] - low[last], 1e-9) * REACH;
    return [values[last] - half, values[last] + half];
  });
  const all = [...ends, ...marks.map((mark) => mark.y)];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = (most - least) * 0.06 || 1;
  return { min: least - room, max: most + room };
}
