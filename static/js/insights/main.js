// The chat page: a box to ask in, the turns of one conversation, and the parts around them.

import { printing, themeButton } from "../live/kit/look.js";
import { askBox } from "./box.js";
import { history } from "./history.js";
import { Line } from "./line.js";
import { page as pageOf } from "./page.js";
import { thread } from "./thread.js";

const root = document.getElementById("ask");
const page = pageOf(root);
const scheme = location.protocol === "https:" ? "wss" : "ws";
const line = new Line({
  socketUrl: `${scheme}://${location.host}${root.dataset.socket}`, askUrl: root.dataset.api, stageMs: 1000 * Number(root.dataset.stageSeconds), token: page.token,
}); // prettier-ignore
const side = history(root, page);
const turns = thread({ root, page, line, onAnswer: side.remember, onBusy: (busy) => box.busy(busy) });
const box = askBox({ page, onAsk: (question) => turns.ask({ question }), onCancel: turns.cancel, last: turns.lastQuestion });
page.ask = turns.ask;

for (const chip of document.querySelectorAll("[data-question]")) chip.addEventListener("click", () => turns.ask({ question: chip.dataset.question }));
themeButton(document.getElementById("theme"));
printing();
turns.restore(JSON.parse(document.getElementById("history").textContent));
line.open();
// A pinned or shared answer leads here with a question to go on with.
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  window.history.replaceState(null, "", location.pathname);
  box.put(asked.slice(0, 500));
}
box.focusIfWide();
