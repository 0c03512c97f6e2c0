// Keeping an answer: a link to it, a pin on one's board, the answer by mail (each answered anew later on, for whoever reads it), or its question put
// before those who verify.

import { button, make } from "../live/kit/dom.js";
import { trouble } from "./line.js";
import { menuButton } from "./menu.js";

const WHEN = [
  ["day", "Every morning"],
  ["week", "Every Monday"],
  ["month", "On the first of each month"],
];
const HOUR = 7;

async function send(page, url, body) {
  const response = await page.post(url, body).catch(() => null);
  if (response?.ok) return response.json();
  const told = response?.status === 400 ? (await response.json().catch(() => ({}))).detail : null;
  page.say(told?.toString() ?? (response ? await trouble(response) : "The server can't be reached just now."));
  return null;
}

const kept = (answer) => answer.message && answer.status === "answered" && answer.query;

function told(control, words, page) {
  page.say(words);
  const label = control.textContent;
  control.textContent = "Done";
  setTimeout(() => (control.textContent = label), 2000);
}

function showLink(url) {
  const box = make("input");
  Object.assign(box, { readOnly: true, value: url });
  box.setAttribute("aria-label", "The link");
  const dialog = make("dialog", "confirm", make("p", "", "The browser did not allow copying. This is the link:"), box, make("div", "confirm-tools",
    button("Close", () => dialog.close(), "button"))); // prettier-ignore
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  box.select();
}

export function share(answer, page) {
  if (!kept(answer)) return null;
  const control = button("Share link", async () => {
    const made = await send(page, page.api(`${answer.message}/share`), {});
    if (!made) return;
    try {
      await navigator.clipboard.writeText(made.url);
      told(control, "The link is copied. Whoever opens it is answered anew, within what they may see.", page);
    } catch {
      showLink(made.url);
    }
  }, "button quiet small");
  return control;
}

export function pin(answer, page) {
  if (!kept(answer)) return null;
  const control = button("Pin", async () => {
    if (await send(page, page.api(`${answer.message}/pin`), {})) told(control, "Pinned to your board.", page);
  }, "button quiet small");
  return control;
}

export function mail(answer, page) {
  if (!kept(answer)) return null;
  const control = button("By mail", () => {}, "button quiet small");
  const schedule = async (every, words) => {
    const made = await send(page, page.api(`${answer.message}/schedule`), { every, hour: HOUR });
    if (made) told(control, `${words} at ${String(HOUR).padStart(2, "0")}:00 UTC, from ${made.next_at.slice(0, 10)}.`, page);
  };
  return menuButton(control, WHEN.map(([every, label]) => ({ label, choose: () => schedule(every, label) })), "How often?");
}

const STATES = {
  proposed: "Proposed. Staff check it; once verified it answers first, with a badge.",
  verified: "This question is verified already.",
};

/** Whether it may be proposed is said by the page; whether it can be, by the server. */
export function propose(answer, page) {
  if (!kept(answer) || !page.propose || answer.verified) return null;
  const control = button("Propose as verified", async () => {
    const made = await send(page, page.api(`${answer.message}/propose`), {});
    if (made) told(control, STATES[made.state] ?? STATES.proposed, page);
  }, "button quiet small");
  return control;
}
