// The findings: ranked rows with what each is about, and buttons that put one aside or do what it recommends.

import { setText } from "../kit/dom.js";
import { livePage } from "../kit/page.js";
import { urlState } from "../kit/state.js";
import { buttons } from "./buttons.js";
import { lately, opened } from "./rows.js";

const page = livePage();
const room = document.getElementById("findings");
const state = urlState({ kind: "" });
const context = { write: page.write, staff: page.evidence, may: new Set(room.dataset.may.split(" ")), base: room.dataset.base };
const drawOpen = opened(document.getElementById("open"), context);
const drawLately = lately(document.getElementById("lately"), context);
let last = null;

function draw() {
  if (!last) return;
  const { kind } = state.get();
  const shown = (rows) => (kind ? rows.filter((row) => row.kind === kind) : rows);
  drawOpen(shown(last.open), last.kinds);
  drawLately(shown(last.lately), last.kinds);
  setText(document.getElementById("judged"), last.judged_at ? `${last.total} open, judged ${page.write.moment(last.judged_at)} UTC` : "Nothing was judged yet; the first look is taken within five minutes.");
}

state.bind(document.getElementById("filters"));
state.on(draw);
page.on("insights", (snapshot) => {
  last = snapshot;
  draw();
});
buttons(room);
page.watch(["insights"]);
