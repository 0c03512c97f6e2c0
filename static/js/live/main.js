import { chart } from "./chart.js";
import { FeedLine } from "./feedline.js";
import { ago, writer } from "./format.js";
import { campaigns, feed, models } from "./lists.js";
import { tiles } from "./tiles.js";

const LATE_MS = 3500;
const BEHIND_SECONDS = 10;
const page = document.getElementById("live");
const write = writer(page.dataset.currency);
const mayOpen = page.dataset.evidence === "yes";
const lines = chart(write);
const drawTiles = tiles(write);
const drawFeed = feed(write, mayOpen);
const drawModels = models(write, mayOpen);
const drawCampaigns = campaigns(write, mayOpen);

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const source = new FeedLine(`${scheme}//${location.host}/ws/live/`, page.dataset.snapshotUrl);
const status = { builtAt: null, asOf: null, open: false, problem: null, refused: null, missing: false, log: null };

source.addEventListener("snapshot", ({ detail: snapshot }) => {
  Object.assign(status, { builtAt: Date.parse(snapshot.built_at), asOf: snapshot.as_of, problem: null, missing: false, log: snapshot.log });
  drawTiles(snapshot.tiles);
  lines.draw(snapshot.series);
  drawFeed(snapshot.feed);
  drawCampaigns(snapshot.campaigns);
  drawModels(snapshot.models);
  synthetic(snapshot.synthetic);
  page.dataset.version = snapshot.version.join(".");
  tellState();
});
source.addEventListener("open", () => ((status.open = true), tellState()));
source.addEventListener("closed", () => ((status.open = false), tellState()));
source.addEventListener("problem", ({ detail }) => ((status.problem = detail), tellState()));
source.addEventListener("missing", () => ((status.missing = true), tellState()));
source.addEventListener("refused", ({ detail }) => {
  status.refused = detail.why;
  if (detail.why === "signed_out") location.assign(page.dataset.loginUrl);
  tellState();
});

function synthetic(share) {
  const badge = document.getElementById("synthetic");
  const parts = [
    [share.sessions, "of those watching now"],
    [share.impressions, "of today's impressions"],
    [share.yesterday, "of yesterday's"],
  ].filter(([part]) => part);
  badge.hidden = !parts.length;
  badge.textContent = `Includes synthetic audience: ${parts.map(([part, what]) => `${write.share(part)} ${what}`).join(", ")}`;
}

const PROBLEMS = { database: "The database does not answer" };

function state() {
  const age = status.builtAt === null ? null : Date.now() + source.skew - status.builtAt;
  const since = (iso) => `since ${write.minute(iso)} UTC`;
  if (status.refused === "not_allowed") return ["refused", "Your account may no longer see these figures", age];
  if (source.paused) return ["paused", "Paused", age];
  if (status.problem) return ["stale", `${PROBLEMS[status.problem.what] ?? "Figures are delayed"} ${since(status.problem.since)}`, age];
  if (age === null) return status.missing ? ["stale", "No figures yet: the live publisher is not running", null] : ["waiting", "Connecting", null];
  if (!status.open) return ["stale", "Connection lost, trying again", age];
  if (age > LATE_MS) return ["stale", "Figures are late", age];
  if (status.log?.away) return ["stale", "The event log does not answer: nothing new is counted", age];
  if (status.log?.oldest > BEHIND_SECONDS) return ["stale", `Events of the last ${ago(status.log.oldest * 1000)} are not counted yet`, age];
  return ["live", "Live", age];
}

function tellState() {
  const [name, words, age] = state();
  const element = document.getElementById("state");
  const spoken = document.getElementById("state-words");
  element.dataset.state = page.dataset.state = name;
  if (spoken.textContent !== words) spoken.textContent = words;
  document.getElementById("age").textContent = age === null ? "" : `${ago(age)} old`;
  const asOf = status.asOf ? `Events counted up to minute ${write.minute(status.asOf)} UTC. ` : "";
  document.getElementById("foot").textContent = `${asOf}Days begin at midnight UTC; changes compare with yesterday up to the same minute. Revenue is what the ledger booked. 95 % marks the interval of a share (Wilson).`;
}

document.getElementById("pause").addEventListener("click", ({ currentTarget: button }) => {
  source.pause(!source.paused);
  button.setAttribute("aria-pressed", source.paused);
  button.textContent = source.paused ? "Resume" : "Pause";
  tellState();
});

const themeButton = document.getElementById("theme");
function nameTheme() {
  themeButton.textContent = document.documentElement.dataset.theme === "light" ? "Dark" : "Light";
}
themeButton.addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("live-theme", theme);
  nameTheme();
  lines.repaint();
});
nameTheme();

document.getElementById("wall").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen()));
document.addEventListener("fullscreenchange", () => {
  document.getElementById("wall").textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
});

source.start();
setInterval(tellState, 500);
