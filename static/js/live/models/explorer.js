// Find a decision and look into it: a list of the newest, a search by id, session or flight, and one told in full.

import { button, make, setText } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { decisionOf } from "./decision.js";
import { Trouble, follower, read } from "./fetched.js";
import { badge, known, perThousand } from "./words.js";

const element = (id) => document.getElementById(id);

export function explorer(context, snapshot) {
  const { state, root, url } = context;
  const form = element("explorer-form");
  const follow = follower();
  const tables = {};
  let rows = [];
  let before = null;
  let listed = "";

  const log = () => state.get().log || snapshot()?.kinds.find(({ kind }) => kind === state.get().kind)?.log || "ads";
  const address = (from) => `${url}decisions.json?${new URLSearchParams({ log: log(), q: state.get().q, before: from ?? "" })}`;
  const trouble = (words) => {
    element("explorer-trouble").hidden = !words;
    setText(element("explorer-trouble"), words ?? "");
  };

  function list() {
    const sessions = root.dataset[log() === "ads" ? "sessionsAds" : "sessionsDirector"] === "yes";
    const what = ["a decision", ...(sessions ? ["a session"] : [])].join(" or ");
    setText(element("explorer-note"), `the id of ${what}${log() === "ads" ? ", or the number of a flight" : ""}; nothing for the newest${sessions ? "" : ". Viewers and sessions are told to those who may read decisions in the admin"}`);
    for (const [name, one] of Object.entries(tables)) one.section.hidden = name !== log();
    tables[log()] ??= decisions(log(), context);
    tables[log()].section.hidden = false;
    tables[log()].draw(rows);
    element("explorer-more").hidden = !before;
  }

  async function search({ further = false } = {}) {
    const asked = address(further ? before : null);
    listed = address(null);
    trouble(null);
    try {
      const found = await read(asked);
      if (address(further ? before : null) !== asked) return;
      rows = further ? [...rows, ...found.rows.filter(({ id }) => rows.every((row) => row.id !== id))] : found.rows;
      before = found.before;
      list();
      if (!rows.length) trouble(before ? "None among the newest decisions; look further back." : "No such decision.");
      if (!further && state.get().q && rows.length === 1) state.set({ decision: rows[0].id, log: log() });
    } catch (error) {
      rows = [];
      before = null;
      list();
      trouble(error instanceof Trouble ? error.message : "The server does not answer; try again in a moment.");
    }
  }

  function opened() {
    const { decision } = state.get();
    const place = element("decision");
    if (!decision) return place.replaceChildren();
    return follow(`${url}decisions/${log()}/${decision}.json`, (told, words) => {
      place.replaceChildren(told ? decisionOf(told, context) : make("p", "live-notice", words));
      if (told) place.scrollIntoView({ block: "nearest" });
    });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    state.set({ q: form.elements.q.value.trim(), decision: "" });
    if (address(null) === listed) search();
  });
  form.elements.log.addEventListener("change", () => state.set({ log: form.elements.log.value, decision: "", q: "" }));
  element("explorer-newest").addEventListener("click", () => {
    form.elements.q.value = "";
    state.set({ q: "", decision: "" });
    search();
  });
  element("explorer-more").addEventListener("click", () => search({ further: true }));

  function follow_state() {
    form.elements.log.value = log();
    if (form.elements.q !== document.activeElement) form.elements.q.value = state.get().q;
    if (address(null) !== listed) search();
    opened();
  }
  state.on(follow_state);
  // Not before somebody comes near it: most who look at the models never read single decisions.
  const near = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    near.disconnect();
    follow_state();
  }, { rootMargin: "600px" });
  near.observe(element("explorer"));
  if (state.get().decision || state.get().q) follow_state();
}

function decisions(log, { state, write }) {
  const section = make("div");
  document.querySelector('#explorer [data-table="decisions"]').append(section);
  const open = (row) => button(`${write.day(row.at)} ${write.clock(row.at)}`, () => state.set({ decision: row.id, log }), "text-link");
  const common = [
    { key: "at", label: "Decided (UTC)", value: (row) => row.at, text: open },
    { key: "title", label: "Title", text: (row) => row.title || NOTHING },
  ];
  const timed = [
    { key: "milliseconds", label: "Took", text: (row) => write.ms(row.milliseconds) },
    { key: "synthetic", label: "Viewer", value: (row) => (row.synthetic ? "synthetic" : "live"), text: (row) => badge(row.synthetic ? "synthetic" : "live", row.synthetic ? "info" : "good") },
  ];
  const own = {
    ads: [
      { key: "device", label: "On" },
      { key: "break", label: "Break" },
      { key: "shown", label: "Shown", wide: true, value: (row) => row.shown.join(", "), text: (row) => row.shown.join(", ") || "nothing" },
      { key: "price_micros", label: "Price per thousand", text: (row) => perThousand(write, row.price_micros) },
      { key: "eligible", label: "Eligible", text: (row) => `${row.eligible ?? NOTHING} of ${row.considered ?? NOTHING}` },
      { key: "arm", label: "Ranked by", text: (row) => (row.versions.ctr ? `v${row.versions.ctr}${row.arm === "canary" ? ", canary" : ""}` : row.arm === "control" ? "rates (control)" : "rates") },
    ],
    director: [
      { key: "scene", label: "Scene", text: (row) => row.scene || NOTHING },
      { key: "happened", label: "Did", wide: true },
      { key: "reason", label: "Reason", wide: true },
      { key: "engagement", label: "Will be watched", text: (row) => write.value(row.engagement, "share") },
      { key: "gain_low_micros", label: "Sure to gain, per thousand", text: (row) => perThousand(write, row.gain_low_micros) },
      { key: "watched", label: "Next scene watched", text: (row) => (known(row.watched) ? write.share(row.watched) : NOTHING) },
    ],
  };
  const name = log === "ads" ? "Ad decisions" : "Decisions of the Director";
  section.append(make("h3", "", name));
  const drawn = table(section, { columns: [...common, ...own[log], ...timed], key: (row) => row.id, most: 12, caption: name, empty: "Nothing was found." });
  return { section, draw: drawn.draw };
}
