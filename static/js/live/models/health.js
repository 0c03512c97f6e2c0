// What monitoring read: alarms in words, drift of each feature window by window, calibration and loss over time.

import { make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { table } from "../kit/table.js";
import { follower } from "./fetched.js";
import { badge, fixed, known, plain } from "./words.js";

const element = (id) => document.getElementById(id);
const STATES = { alarm: ["Alarm", "bad"], uncertain: ["Outside, not certain", "warn"], within: ["Within its bound", "good"], not_judged: ["Not judged", "info"] };

export function healthPart({ state, url, write }) {
  const follow = follower();
  state.bind(element("span-form"));
  const drift = figure("drift", { kind: "heat", unit: "number", height: 260, empty: "None of these windows had 50 sessions: not enough evidence of drift", hint: "Point at a cell, or move with the arrow keys; ⚠ had an alarm" });
  const calibrated = figure("calibrated", { kind: "ribbon", x: "time", unit: "number", zero: false, height: 280, empty: "No window with enough mature outcomes was read yet" });
  const losses = figure("losses", { kind: "ribbon", x: "time", unit: "number", zero: false, height: 280, empty: "No mature window was read yet" });

  const moved = table("shift", {
    columns: [
      { key: "name", label: "Feature", text: (row) => plain(row.name) },
      { key: "value", label: "Moved", text: (row) => fixed(row.value, 3) },
      { key: "words", label: "In words", wide: true },
    ],
    key: (row) => row.name,
    most: 8,
    empty: "No whole day was read yet.",
  });

  function show(told) {
    heat(drift, told, write);
    element("shift").hidden = !told?.shift.length;
    moved.draw(told?.shift ?? []);
    const { quality } = told ?? { quality: {} };
    const regression = Boolean(quality.bias || quality.mse);
    setText(element("calibrated-title"), regression ? "Mean error, over time" : "Predicted over observed, over time");
    overTime(calibrated, told, [[regression ? "bias" : "calibration", regression ? "Mean error" : "Predicted over observed"]], regression ? 0 : 1);
    overTime(losses, told, [["log_loss", "Log loss"], ["mse", "Mean squared error"], ["expected_log_loss", "Foretold from the scores"], ["delayed_log_loss", "Foretold from early outcomes"]], null);
  }

  // Hours where they have enough sessions to be judged, else days; who chooses one keeps it.
  const spanOf = (read) => state.get().span || (read?.drawn.hour || !read?.drawn.day ? "hour" : "day");

  return function draw(kind) {
    const read = kind.health;
    setText(element("health-note"), read?.read_to ? `read to ${write.moment(read.read_to)} UTC; ${read.figures} figures, ${read.judged} with a bound` : read ? "no whole hour of it was read yet" : "this kind is not watched");
    readings(read);
    const span = spanOf(read);
    const choice = element("span-form").elements.span;
    if (choice.value !== span) choice.value = span;
    follow(`${url}${kind.kind}/health.json?span=${span}&read=${encodeURIComponent(`${read?.read_to}/${read?.figures}/${kind.champion?.number}`)}`, show);
  };
}

function readings(read) {
  const list = [...(read?.told ?? []), ...(read?.latest ?? []).filter(({ alarm, measure }) => !alarm && measure !== "served_rows")];
  const seen = new Set();
  const rows = list.filter(({ words, measure, subject }) => words && !seen.has(`${measure}${subject}`) && seen.add(`${measure}${subject}`)).map((one) => {
    const of = one.subject ? `${one.label}: ${plain(one.subject)}` : one.label;
    return make("li", "", badge(...STATES[one.state]), make("strong", "", of, make("small", "muted block", one.span === "day" ? "of a day" : "of an hour")), make("span", "", one.words));
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
  const most = innerWidth < 720 ? 8 : 24;
  const from = Math.max(0, found.windows.length - most);
  const features = found.features.slice(0, 20);
  const name = (at) => (told.span === "day" ? write.day(Date.parse(at) - 1) : write.minute(at));
  return chart.draw({
    rows: features.map((one) => `${one.alarms.slice(from).some(Boolean) ? "⚠ " : ""}${plain(one.name)}`),
    columns: found.windows.slice(from).map(name),
    cells: features.map((one) => one.values.slice(from).map((value, at) => ({
      value: known(value) && one.bounds[from + at] ? Math.max(0, value / one.bounds[from + at]) : null,
      note: known(value) ? `index ${fixed(value, 2)}, ${known(one.bounds[from + at]) ? `bound ${fixed(one.bounds[from + at], 2)}` : "not judged"}${one.alarms[from + at] ? ", alarm" : ""}` : "",
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
