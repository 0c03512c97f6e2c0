// The page of live figures: its streams, and the bar that says whether they are live.

import { confirmForms } from "./confirm.js";
import { setText } from "./dom.js";
import { ago, pageWriter } from "./format.js";
import { health } from "./health.js";
import { Line } from "./line.js";
import { printing, themeButton, wall } from "./look.js";

const kindOf = (name) => name.split("?")[0];

/**
 * ``{root, write, evidence, watch(names), on(kind, draw)}``. ``watch`` replaces the streams; ``draw(snapshot, name)`` is called with each newer
 * snapshot of a stream of that kind (or of exactly that name). Elements with ``data-stream="KIND"`` fade while that stream is late or its first
 * figures are on their way, all others while any is.
 */
export function livePage() {
  const root = document.getElementById("live");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const line = new Line({ socketUrl: `${scheme}//${location.host}/ws/live/`, snapshotUrl: root.dataset.snapshotUrl });
  const drawers = new Map();
  const page = { root, line, write: pageWriter(), evidence: root.dataset.evidence === "yes" };

  const drawnBy = (name) => [...(drawers.get(name) ?? []), ...(name === kindOf(name) ? [] : (drawers.get(kindOf(name)) ?? []))];
  page.watch = (names) => {
    line.watch(names);
    tell(page);
  };
  page.on = (kind, draw) => {
    drawers.set(kind, [...(drawers.get(kind) ?? []), draw]);
    for (const held of line.held()) if (held.snapshot && [held.name, kindOf(held.name)].includes(kind)) draw(held.snapshot, held.name);
  };
  line.addEventListener("snapshot", ({ detail: held }) => {
    drawnBy(held.name).forEach((draw) => draw(held.snapshot, held.name));
    root.dataset.version = held.version.join(".");
    root.dataset.builtAt = held.snapshot.built_at;
    tell(page);
  });
  line.addEventListener("refused", () => tell(page));
  line.addEventListener("closed", ({ detail: why }) => {
    if (why === "signed_out") location.assign(root.dataset.loginUrl);
    tell(page);
  });

  tools(page);
  confirmForms();
  line.start();
  setInterval(() => tell(page), 500);
  return page;
}

function tools({ root, line }) {
  const tool = (name) => root.querySelector(`[data-tool=${name}]`);
  themeButton(tool("theme"));
  wall(tool("wall"));
  printing(tool("print"));
  tool("pause").addEventListener("click", ({ currentTarget: pause }) => {
    line.pause(!line.paused);
    pause.setAttribute("aria-pressed", line.paused);
    pause.textContent = line.paused ? "Resume" : "Pause";
  });
}

function tell({ root, line, write }) {
  const held = line.held();
  const now = line.now();
  const found = health({ now, startedAt: line.startedAt, refused: line.refused, paused: line.paused, pausedAt: line.pausedAt, open: line.open, closedAt: line.closedAt, away: line.away, held });
  root.dataset.state = found.name;
  setText(root.querySelector("#state-words"), found.words);
  // Since when, in the server's time of day; with the day where it was another one.
  const since = found.since && `since ${now - found.since > 86400000 ? write.moment(found.since) : write.clock(found.since)} UTC`;
  setText(root.querySelector("#state-since"), since || "");
  age(root.querySelector("#age"), held, now);
  fade(root, held, found);
  notices(root, held, line);
}

// Of the stream that is built most often; of the others, each has its own time, to be read by pointing.
function age(element, held, now) {
  const built = held.filter((one) => one.snapshot).sort((a, b) => a.snapshot.every - b.snapshot.every);
  setText(element, built.length ? `${ago(now - built[0].builtAt)} old` : "");
  const each = built.map((one) => `${kindOf(one.name)}: ${ago(now - one.builtAt)} old, built every ${ago(one.snapshot.every * 1000)}`).join("\n");
  if (element.title !== each) element.title = each;
}

function fade(root, held, { name, late }) {
  const all = late === null && name !== "live";
  const names = (late ?? []).map(kindOf);
  const waiting = held.filter((one) => !one.snapshot).map((one) => kindOf(one.name));
  root.toggleAttribute("data-stale", all);
  for (const element of root.querySelectorAll("[data-stream]")) {
    const kind = element.dataset.stream;
    element.toggleAttribute("data-stale", !all && names.includes(kind) && !waiting.includes(kind));
    element.toggleAttribute("data-waiting", waiting.includes(kind));
  }
}

// A stream that may not be watched, beside others that may.
function notices(root, held, line) {
  const refused = held.filter((one) => one.refused);
  const notice = root.querySelector("#notice");
  const shown = Boolean(refused.length) && refused.length < held.length && !line.refused;
  notice.hidden = !shown;
  setText(notice, shown ? refused.map((one) => one.refused).join(" ") : "");
}
