// The Director's panel: how engaged the viewer seems, what comes next, what was decided and why, and how fast. It only shows.
import { icon, make } from "../dom.js";
import { Gauge } from "./gauge.js";
import { TrendView } from "./trend.js";
import { LEGEND, headline, known, markOf, percent, responseWords, shortName, span, versionWords } from "./words.js";

const KEEP_DECISIONS = 12;
const REMEMBERED = "director";
// Beside the picture there is room for it from here on; on smaller screens it opens when it is asked for.
const ROOMY = "(min-width: 960px)";
const TRENDS = { rising: "Rising", falling: "Falling", steady: "Steady" };

export class DirectorPanel {
  /** @param {HTMLElement} root @param {(open: boolean) => void} moved called when the panel opens or closes */
  constructor(root, moved) {
    this.root = root;
    this.moved = moved;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.gauge = new Gauge(this.part("gauge"));
    this.trend = new TrendView(this.part("trend"));
    this.decided = [];
    this.names = new Map();
    this.times = {};
    this.versions = {};
    this.part("legend").replaceChildren(...LEGEND.map(([mark, words]) => this.legend(mark, words)));
    this.open(this.remembered());
  }

  remembered() {
    const kept = localStorage.getItem(REMEMBERED);
    return kept === null ? this.root.dataset.director === "on" && matchMedia(ROOMY).matches : kept === "on";
  }

  get isOpen() {
    return !this.part("director").hidden;
  }

  toggle(on = !this.isOpen) {
    localStorage.setItem(REMEMBERED, on ? "on" : "off");
    this.open(on);
  }

  open(on) {
    this.part("director").hidden = !on;
    this.part("director-toggle").setAttribute("aria-expanded", String(on));
    this.moved(on);
  }

  engagement(message) {
    const { value, low, high } = message;
    this.gauge.show(message);
    this.trend.add(message);
    this.part("engagement-value").textContent = percent(value);
    const between = known(low) && known(high) ? `, probably ${span(low, high)}` : "";
    this.part("engagement-words").textContent = `of what comes next is expected to be watched${between}`;
    this.fact("trend-words", TRENDS[message.trend] ?? null);
    this.fact("percentile", known(message.percentile) ? `Further than ${percent(message.percentile)} of earlier playbacks of titles of like length` : null);
    const leaving = known(message.leave_low) && known(message.leave_high) ? ` (${span(message.leave_low, message.leave_high)})` : "";
    this.fact("leave", known(message.leave) ? `${percent(message.leave)} within 15 seconds${leaving}` : null);
    this.times = { ...this.times, prediction: message.ms, roundTrip: message.round_trip ?? this.times.roundTrip };
    this.facts(message);
  }

  decision(message) {
    const what = headline(message, this.names);
    this.list([{ ...message, what }, ...this.decided]);
    if (message.action !== "keep") this.trend.mark();
    this.times = { ...this.times, decision: message.ms };
    this.facts(message);
    return what;
  }

  /** What was decided before this page was loaded, or while its connection was lost. */
  recall(decisions) {
    const heard = new Set(this.decided.map((one) => one.id));
    const missed = decisions.filter((one) => !heard.has(one.id)).map((one) => ({ ...one, what: headline(one, this.names) }));
    if (missed.length) this.list([...this.decided, ...missed].sort((one, other) => Date.parse(other.at) - Date.parse(one.at)));
  }

  list(decisions) {
    this.decided = decisions.slice(0, KEEP_DECISIONS);
    this.part("decisions").replaceChildren(...this.decided.map((one) => decisionLine(one)));
  }

  facts(message) {
    for (const name of ["model_version", "leave_version", "policy_version"]) if (known(message[name])) this.versions[name] = message[name];
    this.fact("response", responseWords(this.times) || null);
    this.fact("versions", versionWords(this.versions) || "None yet: until one serves, only chance may change the film, to learn");
  }

  /** A fact that is not known takes no room. */
  fact(name, words) {
    const element = this.part(name);
    element.textContent = words ?? "";
    element.closest("[data-fact]").hidden = words === null;
  }

  /** The plan as it stands, with the scene on screen marked, and how much of the budget of changes is spent. */
  plan(timeline, current) {
    const stretches = [...timeline.items, ...timeline.foreseen];
    for (const stretch of stretches) if (stretch.kind === "scene") this.names.set(stretch.id, stretch.name);
    this.part("plan").replaceChildren(...this.rows(timeline, stretches, current));
    const { made, most } = timeline.changes;
    this.fact("budget", most ? `${made} of ${most} changes that the editors allow` : "The editors allow no changes in this film");
    this.part("edited-words").hidden = !timeline.asEdited;
  }

  rows(timeline, stretches, current) {
    const leftOut = (place) => timeline.leftOut.filter((one) => one.after === place).map((one) => row("left-out", "No ads here", one.reason));
    const rows = leftOut(0);
    let scenes = 0;
    for (const stretch of stretches) {
      const isAd = stretch.kind !== "scene";
      if (isAd && rows.at(-1)?.dataset.kind === "break") continue;
      const item = row(isAd ? "break" : "scene", isAd ? "Ad break" : stretch.name);
      item.classList.toggle("is-open", !("cut" in stretch));
      const on = stretch === current || (isAd && current?.kind === "ad" && current.break_id === stretch.break_id);
      item.classList.toggle("is-on", on);
      if (on) item.setAttribute("aria-current", "true");
      if (stretch.change) item.append(this.changed(stretch));
      else if (stretch.cut === "tight") item.append(make("small", { text: "Tight cut" }));
      rows.push(item);
      if (!isAd) rows.push(...leftOut((scenes += 1)));
    }
    return rows;
  }

  changed({ change, reason }) {
    const tag = make("b", { kind: `change ${markOf(change)}` }, icon(this.root.dataset.icons, `did-${markOf(change)}`), shortName(change));
    return make("small", {}, tag, ` ${reason ?? ""}`);
  }

  legend(mark, words) {
    return make("li", { kind: `change ${mark}` }, icon(this.root.dataset.icons, `did-${mark}`), words);
  }
}

function row(kind, text, words = "") {
  const item = make("li", { text, "data-kind": kind });
  if (words) item.append(make("small", { text: words }));
  return item;
}

function decisionLine({ what, reason, ms, explored, action }) {
  const item = make("li", { kind: action === "keep" ? "kept" : "" });
  if (explored) item.append(make("em", { text: "Tried to learn" }));
  item.append(make("strong", { text: what }), make("span", { text: reason ?? "" }));
  if (known(ms)) item.append(make("small", { text: `decided in ${Number(ms).toFixed(1)} ms` }));
  return item;
}
