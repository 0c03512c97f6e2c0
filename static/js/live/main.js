import { figure } from "./kit/figure.js";
import { livePage } from "./kit/page.js";
import { campaigns, feed, models } from "./lists.js";
import { tiles } from "./tiles.js";

const page = livePage();
const { write } = page;
const minutes = figure("minutes", { kind: "line", x: "time", step: "minute", units: { count: "count", money: "money" }, height: 300 });
const drawTiles = tiles(write);
const drawFeed = feed(write, page.evidence);
const drawModels = models(write, page.evidence);
const drawCampaigns = campaigns(write, page.evidence);

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
  drawCampaigns(snapshot.campaigns);
  drawModels(snapshot.models);
  synthetic(snapshot.synthetic);
  const asOf = snapshot.as_of ? `Events counted up to minute ${write.minute(snapshot.as_of)} UTC. ` : "";
  document.getElementById("foot").textContent = `${asOf}Days begin at midnight UTC; changes compare with yesterday up to the same minute. Revenue is what the ledger booked. 95 % marks the interval of a share (Wilson).`;
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

page.watch(["now"]);
