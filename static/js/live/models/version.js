// One version's card: the champion's, or the one that was picked from the history. It is fetched once and kept under its mark.

import { button, make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { table } from "../kit/table.js";
import { follower } from "./fetched.js";
import { band, beyond, facts, fixed, known, plain, verdict, versionName } from "./words.js";

const ids = ["title", "note"].map((name) => `version-${name}`);
const element = (id) => document.getElementById(id);

export function versionPart({ state, url, write }) {
  const follow = follower();
  const parts = figures(write);
  const back = button("Back to the champion", () => state.set({ version: "" }));
  back.hidden = true;
  element("version").querySelector(".section-head").append(back);

  function show(card, trouble) {
    const [title, note] = ids.map(element);
    setText(title, card ? `${card.name}: ${versionName(card)}` : "Card");
    setText(note, card ? `${card.alias || card.status}; judged by ${write.count(card.test_rows)} later rows${card.synthetic ? `, ${write.share(card.synthetic)} of its rows of synthetic viewers` : ""}` : (trouble ?? ""));
    gates(card, trouble);
    parts.forEach((draw) => draw(card ?? EMPTY));
  }

  return function draw(kind) {
    const picked = kind.history.find(({ id }) => String(id) === state.get().version);
    const row = picked ?? kind.champion ?? kind.history[0];
    back.hidden = !picked || picked.id === kind.champion?.id;
    if (row) follow(`${url}versions/${row.id}.json?mark=${row.mark}`, show);
    else follow("", () => {}) && show(null, "No version of this kind was trained yet.");
  };
}

const EMPTY = { calibration: [], groups: {}, roc: [], pr: [], importance: { bars: [], measures: "" }, learning: null, notes: [], lineage: [], latency: [], policies: [], metrics: [] };

function gates(card, trouble) {
  const list = card?.judged ?? [];
  const rows = list.map((gate) => make("li", "", make("strong", "", plain(gate.name)), verdict(gate.verdict), make("span", "", gate.words)));
  element("gates").replaceChildren(...(rows.length ? rows : [make("li", "muted", trouble ?? "No gate has judged it.")]));
}

function figures(write) {
  const calibration = figure("calibration", { kind: "scatter", x: "number", unit: "share", xUnit: "share", xLabel: "Predicted", yLabel: "Observed", height: 320, empty: "It was not judged on enough rows to say" });
  const roc = figure("roc", { kind: "scatter", x: "number", unit: "share", xUnit: "share", xLabel: "False positives", yLabel: "True positives", max: 1, xMin: 0, xMax: 1, height: 320, empty: "For yes or no alone: this one predicts a share" });
  const pr = figure("pr", { kind: "scatter", x: "number", unit: "share", xUnit: "share", xLabel: "Recall", yLabel: "Precision", xMin: 0, xMax: 1, height: 320, empty: "For yes or no alone: this one predicts a share" });
  const importance = figure("importance", { kind: "hbar", x: "category", unit: "number", height: 420, legend: false, empty: "It says nothing of its features" });
  return [
    (card) => {
      // Whiskers reach beyond the points that an axis is made for.
      calibration.change({ max: Math.min(1, beyond(Math.max(0, ...card.calibration.map(({ high }) => high)))) || undefined });
      calibration.draw(calibrated(card));
    },
    (card) => {
      roc.element.hidden = !card.roc.length;
      roc.draw(curve(card.roc, "This version", { name: "Guessing", x: [0, 1], values: [0, 1] }));
      const auc = card.metrics.find(({ name }) => name === "auc");
      setText(element("roc-words"), auc ? `area under the curve ${fixed(auc.value, 3)} (95 % ${band(auc.low, auc.high, 3)}), guessing 0.5${known(auc.ceiling) ? `, the truth ${fixed(auc.ceiling, 3)}` : ""}` : "");
    },
    (card) => {
      // Whoever guesses is right as often as the outcome happens: the precision of taking all.
      const rate = card.pr.at(-1)?.[1];
      pr.element.hidden = !card.pr.length;
      pr.draw(curve(card.pr, "This version", known(rate) ? { name: "Guessing", x: [0, 1], values: [rate, rate] } : null));
    },
    (card) => drawImportance(importance, card),
    learning(write),
    network(write),
    groups(),
    policies(write),
    latency(write),
  ];
}

function calibrated({ calibration: bands }) {
  if (!bands.length) return null;
  const of = (name) => bands.map((one) => one[name]);
  const ends = [...of("predicted"), ...of("observed")];
  const span = [Math.min(0, ...ends), Math.max(...ends)];
  const inside = bands.filter((one) => one.low <= one.predicted && one.predicted <= one.high).length;
  return {
    x: of("predicted"),
    series: [
      { name: "Observed", x: of("predicted"), values: of("observed"), low: of("low"), high: of("high"), labels: bands.map(({ rows }) => `${rows} rows`) },
      { name: "As predicted", x: span, values: span, line: true, dashed: true, colour: 1 },
    ],
    caption: `In ${inside} of ${bands.length} bands the prediction lies within the interval of what was observed.`,
  };
}

function curve(points, name, beside) {
  if (!points.length) return null;
  const series = [{ name, x: points.map(([x]) => x), values: points.map(([, y]) => y), line: true }];
  if (beside) series.push({ ...beside, line: true, dashed: true, colour: 1 });
  return { x: series[0].x, series };
}

function drawImportance(chart, { importance: { bars, measures, share, of } }) {
  const best = bars.slice(0, innerWidth < 720 ? 12 : 18);
  setText(element("importance-measure"), best.length ? `${measures}; the first ${best.length} of ${of}` : "");
  const part = (name) => best.map((bar) => bar[name]);
  const intervals = part("low").some(known) ? { low: part("low"), high: part("high") } : {};
  const ends = (name) => part(name).filter(known);
  const reach = [Math.min(0, ...ends("low"), ...ends("value")), Math.max(0, ...ends("high"), ...ends("value"))];
  chart.change({ unit: share ? "share" : "number", min: beyond(reach[0]), max: beyond(reach[1]) || undefined });
  chart.draw(best.length ? { x: best.map(({ feature }) => plain(feature)), series: [{ name: measures, values: part("value"), ...intervals, notes: part("about") }] } : null);
}

function learning() {
  const section = element("learning");
  const chart = figure("learning", { kind: "line", x: "number", unit: "number", zero: false, xLabel: "Pass", height: 280, empty: "It is not learned in passes" });
  return ({ learning: told }) => {
    section.hidden = !told?.later.length;
    element("network").classList.toggle("wide", section.hidden);
    if (section.hidden) return;
    const length = Math.max(told.later.length, told.training.length);
    const best = told.later.indexOf(Math.min(...told.later));
    setText(element("learning-words"), `from ${fixed(told.later[0])} to ${fixed(told.later[best])} on later rows, best after ${told.unit} ${best + 1} of ${told.later.length}${told.rounds ? ` (${told.rounds})` : ""}`);
    const series = [{ name: "Later rows, not learned from", values: told.later }];
    if (told.training.length) series.push({ name: "Rows it learned from", values: told.training, dashed: true, colour: 1 });
    chart.draw({ x: Array.from({ length }, (_, at) => at + 1), series, marks: [{ x: best + 1, label: "best", kind: "good" }] });
  };
}

function network(write) {
  return (card) => {
    const layers = card.learning?.layers ?? [];
    const weights = layers.slice(1).reduce((sum, width, at) => sum + width * layers[at] + width, 0);
    const names = layers.map((width, at) => [width, at === 0 ? "inputs" : at === layers.length - 1 ? "answer" : `hidden ${at}`]);
    element("layers").replaceChildren(...names.map(([width, name]) => {
      const layer = make("li", "", make("strong", "", write.count(width)), make("span", "muted small", name));
      layer.style.setProperty("--width", Math.log2(width + 1) / Math.log2(Math.max(2, ...layers) + 1));
      return layer;
    }));
    element("layers").hidden = !layers.length;
    facts(element("build"), [
      ["Estimator", card.estimator ? plain(card.estimator) : null],
      ["Status", card.status ? `${card.status}${card.alias ? `, ${card.alias}` : ""}` : null],
      ["Weights", weights ? write.count(weights) : null],
      ["Features", card.features ? write.count(card.features) : null],
      ["Fitted", card.engine ? (card.engine === "dask" ? "on a Dask cluster" : "on one machine") : null],
      ...card.notes.map(([name, words]) => [name, words]),
      ...(card.trials ? [["Tried by chance", Object.entries(card.trials).map(([action, times]) => `${plain(action)} ${times}`).join(", ")]] : []),
      ...card.lineage.filter(([name]) => ["compared with", "code", "python"].includes(name)),
    ]);
    const link = card.admin && document.getElementById("live").dataset.evidence === "yes" ? make("a", "text-link", "The whole card in the admin") : null;
    element("network").querySelector(".card-link")?.remove();
    if (link) element("network").append(make("p", "card-link", Object.assign(link, { href: card.admin })));
  };
}

function groups() {
  const list = table("groups", {
    columns: [
      { key: "of", label: "Group" },
      { key: "ratio", label: "Predicted over observed", text: (row) => fixed(row.ratio, 3) },
      { key: "low", label: "95 % interval", text: (row) => band(row.low, row.high, 3) },
      { key: "rows", label: "Rows", unit: "count" },
      { key: "positives", label: "With the outcome", unit: "count" },
    ],
    key: (row) => row.of,
    most: 8,
    empty: "No group has enough rows: not enough evidence.",
  });
  return ({ groups: told }) => list.draw(Object.entries(told).flatMap(([name, rows]) => rows.map((row) => ({ ...row, of: `${plain(name)}: ${row.name}` }))));
}

function policies(write) {
  const section = element("policies");
  const list = table("policies", {
    columns: [
      { key: "name", label: "Rule" },
      { key: "value", label: "Earned", text: (row) => write.money(row.value * 1e6) },
      { key: "low", label: "95 % interval", text: (row) => write.interval([row.low * 1e6, row.high * 1e6], "money") },
      { key: "ess", label: "Worth boundaries of its own", text: (row) => write.count(Math.round(row.ess)) },
    ],
    key: (row) => row.name,
  });
  return ({ policies: rows }) => {
    section.hidden = !rows.length;
    list.draw(rows);
  };
}

function latency(write) {
  const list = table("latency", {
    columns: [
      { key: "rows", label: "Rows at once", unit: "count" },
      { key: "p50_ms", label: "Median", text: (row) => write.ms(row.p50_ms) },
      { key: "p99_ms", label: "99 of 100 within", text: (row) => write.ms(row.p99_ms) },
    ],
    key: (row) => row.rows,
    empty: "It was never timed.",
  });
  return ({ latency: rows }) => list.draw(rows);
}
