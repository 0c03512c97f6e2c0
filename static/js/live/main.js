// The executive page: figures of now, a range of time beside an earlier one, and where the money comes from.

import { filters } from "./filters.js";
import { insights, feed, models } from "./lists.js";
import { livePage } from "./kit/page.js";
import { stream } from "./kit/state.js";
import { figure } from "./kit/figure.js";
import { tiles } from "./tiles.js";
import { trend } from "./trend.js";

const page = livePage();
const { write } = page;
const state = filters(page);
const there = (name) => document.querySelector(`[data-stream="${name}"]`);
const minutes = figure("minutes", { kind: "line", x: "time", step: "minute", units: { count: "count", money: "money" }, height: 300 });
const drawTiles = tiles(write);
const drawTrend = trend(page, state);
const drawFeed = feed(page);
const drawModels = document.getElementById("models") && models(page);

page.on("now", (snapshot) => {
  drawTiles(snapshot.tiles);
  const { series } = snapshot;
  minutes.draw({
    x: series.minutes,
    running: true,
    caption: "the last fifteen minutes",
    series: [
      { name: "Impressions", values: series.impressions, axis: "count" },
      { name: "Watching", values: series.active_sessions, axis: "count" },
      { name: "Revenue", values: series.revenue, axis: "money" },
    ].filter(({ values }) => values),
  });
  drawFeed(snapshot.feed);
  drawModels?.(snapshot.models, snapshot.scope);
  synthetic(snapshot.synthetic);
  const asOf = snapshot.as_of ? `Events counted up to minute ${write.minute(snapshot.as_of)} UTC. ` : "";
  document.getElementById("foot").textContent = `${asOf}Days begin at midnight UTC; today's figures compare with yesterday up to the same minute. Revenue is what the ledger booked. 95 % marks the interval of a share (Wilson).`;
});
page.on("trend", drawTrend);
if (there("insights")) page.on("insights", insights(page));

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

function watch({ range, compare, measure, ...narrowed }) {
  page.watch([stream("now", narrowed), stream("trend", { range, compare, ...narrowed }), ...(there("insights") ? ["insights"] : [])]);
}

let watched;
function follow(values) {
  const asked = JSON.stringify({ ...values, measure: null });
  if (asked !== watched) watch(values);
  watched = asked;
}
state.on(follow);
follow(state.get());
