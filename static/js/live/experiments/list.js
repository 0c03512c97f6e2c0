// The list of all experiments: those that run, then drafts, then what ended.

import { make } from "../kit/dom.js";
import { livePage } from "../kit/page.js";
import { intervalBar, reachOf } from "./bars.js";
import { armsTable, chip, synthetic, warnings } from "./parts.js";
import { a, share, since } from "./words.js";

const GROUPS = [["running", "Running"], ["draft", "Drafts"], ["stopped", "Ended"]];

const page = livePage();
const list = document.getElementById("trials");
const cards = new Map();

page.on("experiments", ({ experiments, more }) => {
  document.getElementById("waiting")?.remove();
  synthetic(experiments.map((one) => one.synthetic));
  for (const [state, title] of GROUPS) group(state, title, experiments.filter((one) => one.state === state));
  const none = experiments.length ? "" : "No experiment was ever drafted.";
  note("none", none);
  note("more", more ? `${a(more, "older one is", "older ones are")} in the admin.` : "");
  for (const key of cards.keys()) if (!experiments.some((one) => one.key === key)) cards.delete(key);
});
page.watch(["experiments"]);

function note(name, words) {
  let element = list.querySelector(`[data-note="${name}"]`);
  if (!element) {
    list.append((element = make("p", "muted")));
    element.dataset.note = name;
  }
  element.hidden = !words;
  element.textContent = words;
}

function group(state, title, experiments) {
  let section = list.querySelector(`[data-group="${state}"]`);
  if (!section) {
    section = make("section", "trial-group", make("h2", "", title), make("div", "trial-cards"));
    section.dataset.group = state;
    list.append(section);
  }
  section.hidden = !experiments.length;
  const wanted = experiments.map(card);
  const body = section.lastElementChild;
  wanted.forEach((element, at) => body.children[at] !== element && body.insertBefore(element, body.children[at] ?? null));
  while (body.children.length > wanted.length) body.lastElementChild.remove();
}

// A card is drawn anew only when something in it changed, which is with each look.
function card(one) {
  const drawn = JSON.stringify(one);
  const kept = cards.get(one.key) ?? { element: make("article", "card trial-card"), drawn: "" };
  if (kept.drawn !== drawn) {
    const focused = kept.element.contains(document.activeElement);
    kept.element.replaceChildren(...content(one));
    if (focused) kept.element.querySelector("a").focus();
    kept.drawn = drawn;
    cards.set(one.key, kept);
  }
  return kept.element;
}

function content(one) {
  const link = make("a", "", one.key);
  link.href = `${list.dataset.page}${encodeURIComponent(one.key)}/`;
  const head = make("div", "trial-card-head", make("h3", "", link), chip(one));
  const about = make("p", "trial-about", one.description || "No description");
  const times = make("p", "muted trial-since", `${since(one, page.write)}${one.metric.name ? `; decided by: ${one.metric.title.toLowerCase()}, ${one.metric.unit}` : ""}`);
  const parts = [head, about, times, ...warnings(one), ...one.decided.map((row) => verdict(row, one))];
  if (one.arms.length) parts.push(armsTable(one, page.write));
  if (one.sizes && one.sizes.verdict !== "mismatch" && one.state === "running") parts.push(make("p", "muted trial-small", one.sizes.words));
  const guards = one.guardrails.filter((guard) => guard.broken);
  if (guards.length) parts.push(...guards.map((guard) => make("p", "trial-warning", `${guard.arm}: ${guard.words}`)));
  else if (one.guardrails.length && one.state === "running") parts.push(make("p", "muted trial-small", held(one.guardrails)));
  return parts;
}

function held(guards) {
  const known = guards.filter((guard) => guard.best_gain !== null);
  if (!known.length) return `${a(guards.length, "guardrail", "guardrails")}: not enough evidence yet.`;
  const waiting = guards.length - known.length;
  const nearest = known.toSorted((one, other) => one.best_gain + one.worst - other.best_gain - other.worst)[0];
  return `${a(known.length, "guardrail holds", "guardrails hold")}${waiting ? `, ${waiting} ${waiting === 1 ? "has" : "have"} not enough evidence yet` : ""}; the nearest: ${nearest.words}`;
}

function verdict(row, one) {
  const reach = reachOf([row.gain]);
  const parts = [make("p", "trial-words", one.decided.length > 1 ? make("b", "", `${row.arm}: `) : null, row.words)];
  if (row.gain) parts.push(make("div", "trial-bar", intervalBar(row.gain, { reach, verdict: row.verdict }), make("span", "muted", `${share(row.change)} of the control`)));
  if (row.waits) parts.push(make("p", "trial-waits", row.waits));
  return make("div", "trial-verdict", ...parts);
}
