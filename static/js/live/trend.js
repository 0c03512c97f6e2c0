// A range of time beside an earlier one, where its revenue comes from, when in the week, and what will fall short.

import { fillOptions } from "./filters.js";
import { make, setText } from "./kit/dom.js";
import { figure } from "./kit/figure.js";
import { table } from "./kit/table.js";
import { opens } from "./lists.js";

const BEFORE = { "15m": "the 15 minutes before", "24h": "the 24 hours before", "7d": "the 7 days before", "30d": "the 30 days before" };
const capital = (words) => words[0].toUpperCase() + words.slice(1);

export function trend(page, state) {
  const { write } = page;
  const lines = figure("trend", { kind: "line", x: "time", unit: "count", height: 300, legend: true });
  const picker = document.getElementById("measure");
  const total = document.getElementById("trend-total");
  const parts = breakdowns(page);
  const risk = atRisk(page);
  const drawWeek = week();
  let last;
  let drawn;

  function draw() {
    const known = Object.entries(last.measures).filter(([, one]) => one.total !== null || one.values.some((value) => value !== null));
    fillOptions(picker, known.map(([name, one]) => [name, one.label]));
    const name = last.measures[state.get().measure] ? state.get().measure : "revenue";
    const measure = last.measures[name];
    if (picker.value !== name) picker.value = name;
    const looks = `${measure.unit} ${last.grain}`;
    if (looks !== drawn) lines.change({ unit: measure.unit, step: last.grain });
    drawn = looks;
    lines.draw(series(last, measure));
    summary(total, last, measure, write);
  }

  picker.addEventListener("change", () => state.set({ measure: picker.value }));
  state.on(() => last && draw());
  return (snapshot) => {
    last = snapshot;
    draw();
    parts.forEach(([key, part]) => part.draw(snapshot[key]));
    setText(document.getElementById("trend-words"), `${snapshot.words}, by ${snapshot.grain}, UTC; what still runs is dotted`);
    document.querySelectorAll("[data-words]").forEach((element) => setText(element, snapshot.words));
    setText(document.getElementById("trend-reach"), reached(snapshot.reach, write));
    risk(snapshot);
    drawWeek(snapshot.heat);
  };
}

const earlier = ({ compare, range }) => (compare === "week" ? "a week earlier" : BEFORE[range]);

function series(snapshot, measure) {
  const now = { name: capital(snapshot.words), values: measure.values, low: measure.low, high: measure.high };
  const before = measure.before && { name: capital(earlier(snapshot)), values: measure.before, dashed: true, colour: "ink3" };
  return { x: snapshot.buckets, running: true, caption: `${measure.label}, ${snapshot.words}`, series: before ? [now, before] : [now] };
}

function summary(element, snapshot, measure, write) {
  const { unit } = measure;
  const change = measure.total_before === null ? null : write.delta(measure.total_same, measure.total_before, unit);
  const mark = change && make("span", "change", `${change.sign > 0 ? "▲" : change.sign < 0 ? "▼" : "="} ${change.text}`);
  if (mark) mark.dataset.sign = change.sign;
  const against = measure.total_before === null ? "" : ` against ${write.value(measure.total_before, unit)} ${earlier(snapshot)}`;
  const of = measure.n === null || measure.n === undefined ? "" : `, of ${write.count(measure.n)}`;
  const interval = measure.ci ? ` 95 %: ${write.interval(measure.ci, unit)}${of}` : "";
  const note = snapshot.note ? ` ${snapshot.note}.` : "";
  element.replaceChildren(make("strong", "trend-value", write.value(measure.total, unit)), " ", mark ?? "", make("span", "muted", `${against}${interval}${note}`));
}

// People cannot be told by the device or the genre, nor of parts of a day.
function reached(reach, write) {
  if (!reach) return "";
  const days = reach.since === reach.until ? "today, UTC" : `from ${reach.since} to ${reach.until}, UTC`;
  if (reach.people === null) return `No reach is counted ${days}`;
  const { people, low, high, frequency } = reach;
  const who = people === 1 ? "One viewer" : `${write.count(people)} viewers`;
  return `${who} reached ${days} (95 %: ${write.count(low)} to ${write.count(high)}), ${frequency} impressions each; without consent each session counts as one`;
}

function breakdowns(page) {
  const columns = (label) => [
    { key: "name", label },
    { key: "revenue", label: "Revenue", unit: "money", bar: true },
    { key: "share", label: "Share", unit: "share" },
    { key: "impressions", label: "Impressions", unit: "count" },
    { key: "ctr", label: "CTR", unit: "share", value: (row) => (row.impressions ? row.clicks / row.impressions : null) },
  ];
  const parts = [["by_campaign", "Campaign"], ["by_title", "Title"], ["by_genre", "Genre"]];
  return parts.map(([key, label]) => [
    key,
    table(key, { columns: columns(label), key: (row) => row.id ?? "rest", link: (row) => opens(page, row.link), empty: "No revenue in this range", most: 6 }),
  ]);
}

function atRisk(page) {
  const { write } = page;
  const section = document.querySelector("[data-table=at_risk]");
  const amount = (key) => (row) => write.value(row[key], row.unit);
  const risk = table(section, {
    columns: [
      { key: "flight", label: "Flight", text: (row) => `${row.campaign} / ${row.flight}`, value: (row) => `${row.campaign} / ${row.flight}` },
      { key: "shortfall", label: "Short by", unit: "share" },
      { key: "shortfall_micros", label: "Worth", unit: "money", title: "What the missing part would have been charged" },
      { key: "delivered", label: "Delivered", text: amount("delivered") },
      { key: "expected", label: "Expected", text: amount("expected") },
      { key: "goal", label: "Goal", text: amount("goal") },
      { key: "ends_at", label: "Ends (UTC)", text: (row) => write.moment(row.ends_at) },
      { key: "words", label: "Why", wide: true },
    ],
    key: (row) => row.id,
    link: (row) => opens(page, row.link),
    empty: "Every live flight is expected to reach its goal",
    most: 8,
  });
  return ({ at_risk: rows, at_risk_count: count, at_risk_micros: micros, at_risk_note: note }) => {
    const all = count > (rows?.length ?? 0) ? `, the ${rows.length} worst of ${count}` : "";
    const worth = micros ? `, ${write.money(micros)} in all` : "";
    setText(section.querySelector("[data-risk-words]"), note ? `${note[0].toUpperCase()}${note.slice(1)}` : `live flights that the last forecast expects to end below their goal${all}${worth}`);
    section.querySelector(".scroll-x").parentElement.toggleAttribute("data-unsaid", !rows);
    risk.draw(rows ?? []);
  };
}

// The worker draws it once an hour; revenue, or hours watched where that can be told.
function week() {
  const section = document.querySelector("[data-figure=week]");
  const map = figure(section, { kind: "heat", unit: "money", height: 380, nWord: "such hours counted", empty: "The map is being drawn; it takes a minute" });
  const picker = document.getElementById("week-measure");
  let last;

  function draw() {
    picker.closest("label").hidden = !last?.watching;
    const chosen = picker.value === "watching" && last?.watching ? { ...last, ...last.watching } : last;
    if (!chosen) return map.draw(null);
    map.change({ unit: chosen.unit });
    setText(section.querySelector("[data-week-words]"), chosen.words);
    return map.draw({ ...chosen, caption: chosen.words });
  }

  picker.addEventListener("change", draw);
  return (heat) => {
    last = heat;
    draw();
  };
}
