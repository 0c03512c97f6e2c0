// What monitoring read: alarms in words, drift of each feature window by window, calibration and loss over time.

import { make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { follower } from "./fetched.js";
import { badge, fixed, known, plain } from "./words.js";

const element = (id) => document.getElementById(id);

export function healthPart({ state, url, write }) {
  const follow = follower();
  state.bind(element("span-form"));
  const drift = figure("drift", { kind: "heat", unit: "number", height: 260, empty: "No window with 50 sessions was read yet: not enough evidence of drift", hint: "Point at a cell, or move with the arrow keys; ! marks an alarm" });
  const calibrated = figure("calibrated", { kind: "ribbon", x: "time", unit: "number", zero: false, height: 280, empty: "No window with enough mature outcomes was read yet" });
  const losses = figure("losses", { kind: "ribbon", x: "time", unit: "number", zero: false, height: 280, empty: "No mature window was read yet" });

  function show(told) {
    heat(drift, told, write);
    const { quality } = told ?? { quality: {} };
    const regression = Boolean(quality.bias || quality.mse);
    setText(element("calibrated-title"), regression ? "Mean error, over time" : "Predicted over observed, over time");
    overTime(calibrated, told, [[regression ? "bias" : "calibration", regression ? "Mean error" : "Predicted over observed"]], regression ? 0 : 1);
    overTime(losses, told, [["log_loss", "Log loss"], ["mse", "Mean squared error"], ["expected_log_loss", "Foretold from the scores"], ["delayed_log_loss", "Foretold from early outcomes"]], null);
  }

  return function draw(kind) {
    const read = kind.health;
    setText(element("health-note"), read?.read_to ? `read to ${write.moment(read.read_to)} UTC; ${read.figures} figures, ${read.judged} with a bound` : read ? "no whole hour of it was read yet" : "this kind is not watched");
    readings(read);
    const { span } = state.get();
    follow(`${url}${kind.kind}/health.json?span=${span}&read=${encodeURIComponent(`${read?.read_to}/${read?.figures}/${kind.champion?.number}`)}`, show);
  };
}

function readings(read) {
  const list = [...(read?.told ?? []), ...(read?.latest ?? []).filter(({ alarm, measure }) => !alarm && measure !== "served_rows")];
  const seen = new Set();
  const rows = list.filter(({ words, measure, subject }) => words && !seen.has(`${measure}${subject}`) && seen.add(`${measure}${subject}`)).map((one) => {
    const [words, kind] = one.alarm ? ["Alarm", "bad"] : known(one.value) && known(one.bound) ? ["Within its bound", "good"] : ["Not judged", "info"];
    return make("li", "", badge(words, kind), make("strong", "", plain(one.subject ? `${one.measure}: ${one.subject}` : one.measure)), make("span", "", one.words));
  });
  const more = read && read.alarms > read.told.length ? [make("li", "muted", `and ${read.alarms - read.told.length} alarms more`)] : [];
  const wanted = rows.length ? [...rows.slice(0, read.told.length), ...more, ...rows.slice(read.told.length)] : [make("li", "muted", "Nothing was read of it yet: not enough evidence.")];
  const signature = wanted.map((row) => row.outerHTML).join("");
  const place = element("readings");
  if (place.drawn === signature) return;
  place.drawn = signature;
  place.replaceChildren(...wanted);
}

function heat(chart, told, write) {
  const found = told?.drift;
  if (!found?.features.length) return chart.draw(null);
  const most = innerWidth < 720 ? 10 : 24;
  const from = Math.max(0, found.windows.length - most);
  const features = found.features.slice(0, 20);
  const name = (at) => (told.span === "day" ? write.day(Date.parse(at) - 1) : write.minute(at));
  chart.change?.({});
  return chart.draw({
    rows: features.map((one) => plain(one.name)),
    columns: found.windows.slice(from).map(name),
    cells: features.map((one) => one.values.slice(from).map((value, at) => ({
      value,
      note: `${known(one.bounds[from + at]) ? `bound ${fixed(one.bounds[from + at], 2)}` : "not judged"}${one.alarms[from + at] ? ", ALARM" : ""}`,
    }))),
    caption: `${features.length} of ${found.of} features`,
  });
}

function overTime(chart, told, measures, aim) {
  const series = [];
  const marks = [];
  for (const [measure, name] of measures) {
    const rows = told?.quality[measure] ?? [];
    if (!rows.length) continue;
    const intervals = rows.some(({ low }) => known(low)) ? { low: rows.map(({ low }) => low), high: rows.map(({ high }) => high) } : {};
    series.push({ name, x: rows.map(({ to }) => to), values: rows.map(({ value }) => value), ...intervals, notes: rows.map(({ words }) => words), dashed: series.length > 0 });
    rows.forEach((row, at) => {
      if (at && row.version !== rows[at - 1].version && !series[1]) marks.push({ x: row.to, label: `v${row.version}` });
      if (row.alarm) marks.push({ x: row.to, label: "alarm", kind: "bad" });
    });
  }
  if (aim !== null && series.length) marks.push({ y: aim, label: aim === 1 ? "as much as is predicted" : "no error" });
  chart.draw(series.length ? { x: series[0].x, series, marks } : null);
}
