// Who serves a kind: its figures beside baseline and ceiling, its history, what is under test, and what may be done.

import { actionForm } from "../kit/confirm.js";
import { button, make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { STATUS, badge, band, facts, fixed, known, plain, tiles, versionName } from "./words.js";

const BETTER = { lower: "lower is better", higher: "higher is better", one: "1 is best", zero: "0 is best" };
const STATES = { ok: ["Well", "good"], thin: ["Thin evidence", "warn"], alarm: ["Alarm", "bad"], waits: ["Waiting", "info"], none: ["No model", "info"] };

export function standing(context) {
  const metrics = table("metrics", {
    columns: [
      { key: "label", label: "Figure", text: (row) => make("span", "", row.label, make("small", "muted block", `${row.about}${row.better ? `; ${BETTER[row.better]}` : ""}`)) },
      { key: "value", label: "Value", text: (row) => fixed(row.value) },
      { key: "low", label: "95 % interval", text: (row) => band(row.low, row.high) },
      { key: "baseline", label: "Baseline", text: (row) => fixed(row.baseline) },
      { key: "ceiling", label: "Ceiling", text: (row) => fixed(row.ceiling) },
      { key: "closed", label: "Of the way to the ceiling", text: (row) => (known(row.closed) ? `${Math.round(row.closed * 100)} %` : NOTHING) },
    ],
    key: (row) => row.name,
    empty: "No version of this kind was judged yet: not enough evidence.",
  });
  const chart = figure("versions", { kind: "ribbon", x: "category", unit: "number", zero: false, height: 260, empty: "No version was judged yet" });
  const history = table("history", {
    columns: [
      { key: "number", label: "Version", value: (row) => row.number, text: (row) => pick(context, row) },
      { key: "state", label: "State", value: (row) => row.alias || row.status, text: (row) => badge(row.alias || row.status, STATUS[row.alias || row.status]) },
      { key: "trained_at", label: "Trained (UTC)", text: (row) => context.write.moment(row.trained_at ?? row.created_at) },
      { key: "figure", label: "Judged by", value: (row) => row.figure?.value ?? null, text: (row) => judged(row) },
      { key: "rows", label: "Rows", value: (row) => row.train_rows, text: (row) => (row.train_rows ? `${context.write.count(row.train_rows)} + ${context.write.count(row.test_rows)}` : NOTHING) },
      { key: "gates", label: "Gates", value: (row) => row.gates.filter(([, said]) => said === "pass").length, text: (row) => gates(row) },
      { key: "verdict", label: "Promoted or refused, and why", wide: true },
    ],
    key: (row) => row.id,
    empty: "Nothing was trained yet.",
  });
  return function draw(kind, snapshot) {
    head(kind, context);
    glance(kind, snapshot, context);
    metrics.draw(kind.champion?.metrics ?? []);
    versions(chart, kind);
    rollout(kind, snapshot, context);
    history.draw(kind.history);
    setText(document.getElementById("history-of"), kind.total > kind.history.length ? `the newest of ${kind.total} versions, and whoever serves` : `${kind.total} in all`);
  };
}

const pick = ({ state }, row) => {
  const chosen = button(versionName(row), () => {
    state.set({ version: String(row.id) });
    document.getElementById("version").scrollIntoView({ block: "start" });
  }, "text-link");
  chosen.title = "Show what this version was judged by";
  return chosen;
};

const judged = ({ figure: found }) => (found ? `${fixed(found.value)} (${band(found.low, found.high, 3)})` : NOTHING);

function gates({ gates: list }) {
  if (!list.length) return NOTHING;
  const count = (wanted) => list.filter(([, said]) => said === wanted).length;
  const parts = [[count("pass"), "pass"], [count("not_enough_evidence"), "unsure"], [count("fail"), "fail"]].filter(([n]) => n);
  return parts.map(([n, words]) => `${n} ${words}`).join(", ");
}

function head(kind, { write }) {
  const champion = kind.champion;
  setText(document.getElementById("kind-name"), champion ? `${kind.name}: ${versionName(champion)}` : kind.name);
  setText(document.getElementById("kind-asks"), kind.asks);
  const [words, colour] = STATES[kind.state] ?? [kind.state, "info"];
  const line = document.getElementById("kind-state");
  if (line.dataset.drawn !== `${words}${kind.words}`) {
    line.dataset.drawn = `${words}${kind.words}`;
    line.replaceChildren(badge(words, colour), ` ${kind.words}`);
  }
  facts(document.getElementById("kind-facts"), champion ? about(champion, write) : []);
  setText(document.getElementById("kind-verdict"), champion?.verdict ?? "");
}

const about = (row, write) => [
  ["Promoted", row.stage_since ? `${write.moment(row.stage_since)} UTC` : null],
  ["Learned from", row.data_from && row.data_to ? `${write.moment(row.data_from)} – ${write.moment(row.data_to)} UTC` : null],
  ["Rows", `${write.count(row.train_rows)}, judged by ${write.count(row.test_rows)} later ones`],
  ["Synthetic viewers", known(row.synthetic) ? write.share(row.synthetic) : null],
  ["Truth known", known(row.truth_known) ? `of ${write.share(row.truth_known)} of the later rows` : "no: a ceiling is known of synthetic viewers alone"],
  ["Bootstrap", row.bootstrap ? "yes: promoted on thin evidence" : null],
  ["Learned on from", known(row.parent) ? `v${row.parent}` : null],
];

function glance(kind, { served, success, rating }, { write }) {
  const found = kind.champion?.figure;
  const log = served?.logs[kind.log]?.recent;
  const list = [
    {
      label: found?.label ?? "Judged by",
      value: found ? fixed(found.value, 3) : NOTHING,
      note: found ? `baseline ${fixed(found.baseline, 3)}${known(found.ceiling) ? `, ceiling ${fixed(found.ceiling, 3)}` : ""}; 95 % ${band(found.low, found.high, 3)}` : "not enough evidence yet",
    },
    {
      label: "Figures beyond their bound",
      value: kind.health?.read_to ? String(kind.health.alarms) : NOTHING,
      note: kind.health?.read_to ? `of ${kind.health.judged} that are judged, read to ${write.moment(kind.health.read_to)} UTC` : "no whole hour was read yet",
      kind: kind.health?.alarms ? "bad" : "",
    },
    {
      label: "Decided within (p99)",
      value: known(log?.p99) ? write.ms(log.p99) : NOTHING,
      note: log ? `${write.count(log.n)} decisions in the last hour` : kind.log ? "not worked out yet" : "scored by a worker: nobody waits for it",
    },
  ];
  if (kind.log === "director") {
    const whole = success?.whole;
    list.push({
      label: "Optimisation success",
      value: known(whole?.value) ? write.points(whole.value) : NOTHING,
      note: whole ? `${known(whole.value) ? `95 % ${write.interval([whole.low, whole.high], "points")}; ` : "not enough evidence: "}${write.count(whole.done)} done, ${write.count(whole.held_back)} held back` : "not worked out yet",
    });
    list.push({
      label: "Viewer rating",
      value: known(rating?.value) ? `${rating.value.toFixed(2)} of 5` : NOTHING,
      note: rating?.n ? `${known(rating.low) ? `95 % ${band(rating.low, rating.high, 2)}; ` : "too few for an interval; "}${write.count(rating.n)} ratings in ${success.days} days${known(rating.synthetic) ? `, ${write.share(rating.synthetic)} synthetic` : ""}` : "no rating in this time",
    });
  }
  tiles(document.getElementById("model-tiles"), list);
}

function versions(chart, kind) {
  const rows = kind.history.filter((row) => known(row.figure?.value)).sort((a, b) => a.number - b.number);
  const name = rows.at(-1)?.figure.name;
  const same = rows.filter((row) => row.figure.name === name);
  const of = (part) => same.map((row) => row.figure[part]);
  setText(document.getElementById("versions-measure"), same.length ? `${same[0].figure.label}, ${BETTER[same[0].figure.better]}; each on its own later sessions` : "");
  const series = [{ name: "Version", values: of("value"), low: of("low"), high: of("high"), notes: same.map((row) => row.alias || row.status) }];
  series.push({ name: "Baseline", values: of("baseline"), dashed: true, colour: 1 });
  if (of("ceiling").some(known)) series.push({ name: "Ceiling", values: of("ceiling"), dashed: true, colour: 2 });
  chart.draw(same.length ? { x: same.map((row) => `v${row.number}`), series } : null);
}

function rollout(kind, { served }, context) {
  const { challenger, champion, previous, waiting } = kind;
  const rows = [];
  const place = (role, row, words) => rows.push(make("li", "", badge(role, STATUS[role]), make("strong", "", row ? versionName(row) : NOTHING), make("span", "", words)));
  place("champion", champion, champion ? (challenger?.status === "canary" ? `decides for ${context.write.share(1 - challenger.traffic_share)} of the viewers` : kind.by_steps ? "decides for everybody outside the control slice" : "answers for everybody") : "smoothed rates or the author's order answer");
  if (challenger) place("challenger", challenger, challenger.status === "canary" ? `canary: decides for ${context.write.share(challenger.traffic_share)} of the viewers since ${context.write.moment(challenger.stage_since)} UTC` : `in shadow since ${context.write.moment(challenger.stage_since)} UTC: it scores what others decide`);
  else rows.push(make("li", "", badge("challenger", "info"), make("span", "", kind.by_steps ? "nothing is under test" : "promoted by its gates alone: no shadow, no canary")));
  if (known(previous)) rows.push(make("li", "", badge("previous", "info"), make("strong", "", `v${previous}`), make("span", "", "serves again after a rollback")));
  if (waiting.length) rows.push(make("li", "", badge("in line", "info"), make("span", "", waiting.map((number) => `v${number}`).join(", "))));
  const list = make("ul", "places", ...rows);
  const arms = served?.logs[kind.log]?.recent.by?.model_arm;
  const parts = [list];
  if (challenger) parts.push(make("p", "verdict", challenger.verdict));
  if (arms?.length) {
    const total = arms.reduce((sum, { n }) => sum + n, 0);
    parts.push(make("p", "muted small", `Seats as served in the last hour: ${arms.map(({ value, n }) => `${value || "untold"} ${context.write.share(n / total)} (${context.write.count(n)})`).join(", ")}.`));
  }
  const element = document.getElementById("rollout");
  const signature = parts.map((part) => part.outerHTML).join("");
  if (element.drawn !== signature) {
    element.drawn = signature;
    element.replaceChildren(...parts);
  }
  actions(kind, context);
}

function actions(kind, { mayChange, url }) {
  const element = document.getElementById("actions");
  const signature = JSON.stringify([kind.kind, kind.champion?.number, kind.previous, kind.challenger?.number, kind.estimators]);
  if (element.drawn === signature) return;
  element.drawn = signature;
  const note = document.getElementById("actions-note");
  setText(note, mayChange ? "" : "Rolling back, ending a test and training are for those who may change models.");
  element.replaceChildren();
  if (!mayChange) return;
  if (known(kind.previous) && kind.champion) {
    element.append(actionForm({
      action: `${url}${kind.kind}/roll-back`, label: `Roll back to v${kind.previous}`, title: `Roll ${kind.name.toLowerCase()} back?`,
      fields: { serving: kind.champion.number },
      confirm: `v${kind.previous} serves again within about a second, v${kind.champion.number} becomes the previous one. A running test ends. It is written to the audit log.`,
    }));
  }
  if (kind.challenger) {
    element.append(actionForm({
      action: `${url}${kind.kind}/stop-test`, label: `End the test of v${kind.challenger.number}`, title: "End this test?",
      confirm: `v${kind.challenger.number} is refused and decides for nobody any more. It is written to the audit log.`,
    }));
  }
  if (kind.estimators.length) element.append(trainForm(kind, url));
}

function trainForm(kind, url) {
  const form = actionForm({
    action: `${url}${kind.kind}/train`, label: "Train now", title: `Train ${kind.name.toLowerCase()} now?`,
    confirm: "A worker trains it on what is known now; the gates decide whether it goes on. It is written to the audit log.",
  });
  const choice = make("select", "", ...kind.estimators.map((name, at) => Object.assign(make("option", "", `${plain(name)}${at ? "" : " (usual)"}`), { value: name })));
  choice.name = "estimator";
  choice.setAttribute("aria-label", "Estimator");
  form.prepend(choice);
  return form;
}
