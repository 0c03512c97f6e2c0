// The turns of one conversation. One question is on its way at a time; one that was on its way when the page was left is taken up again.

import { card, failed } from "./card.js";
import { progress } from "./progress.js";
import { closeExplanation } from "./prose.js";

const KEPT = "insights-pending";
const KEPT_MS = 10 * 60_000;

export function thread({ root, page, line, onAnswer, onBusy }) {
  const turns = document.getElementById("thread");
  const welcome = document.getElementById("welcome");
  let conversation = Number(root.dataset.conversation) || null;
  let pending = null;

  function ask({ question, query = null, edited = "", id = crypto.randomUUID() }, focus = false) {
    const words = question.trim();
    if (!words || pending) return;
    const sent = { id, question: words, ...(conversation && { conversation }), ...(query && { query }), ...(edited && { edited }) };
    const shown = progress({ question: words, onCancel: cancel, say: page.say });
    pending = { sent, shown, focus: focus || document.activeElement?.closest?.(".turn") !== null };
    sessionStorage.setItem(KEPT, JSON.stringify({ sent, at: Date.now() }));
    closeExplanation();
    welcome.hidden = true;
    turns.append(shown.element);
    shown.element.scrollIntoView({ block: "start" });
    onBusy(true);
    page.say("Asked.");
    line.ask(sent, hear);
  }

  function hear(event) {
    if (event.type === "stage") pending.shown.take(event);
    else if (event.type === "done") settle(card(event.answer, page), () => answered(event.answer));
    else settle(failed(pending.sent.question, event.reason, again(pending.sent)), () => page.say(event.reason));
  }

  function settle(element, then) {
    const { shown, focus } = pending;
    shown.end();
    shown.element.replaceWith(element);
    sessionStorage.removeItem(KEPT);
    pending = null;
    onBusy(false);
    element.scrollIntoView({ block: "start" });
    // From a part of an answer one goes on to the next answer; from the box one goes on typing.
    if (focus) element.querySelector(".turn-question").focus({ preventScroll: true });
    then();
  }

  function answered(answer) {
    page.say(answer.text);
    if (conversation !== answer.conversation) {
      conversation = answer.conversation;
      window.history.replaceState(null, "", page.address(conversation));
    }
    onAnswer(answer);
  }

  const again = (sent) => (event) => {
    if (pending) return;
    event.target.closest("article").remove();
    ask({ question: sent.question, query: sent.query, edited: sent.edited });
  };

  function cancel() {
    if (pending) line.cancel();
  }

  /** ``answers`` of before; then what was left unanswered when the page was left. */
  function restore(answers) {
    turns.append(...answers.map((answer) => card(answer, page)));
    turns.lastElementChild?.scrollIntoView({ block: "start" });
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    const here = (kept?.sent.conversation ?? null) === conversation;
    if (kept && here && Date.now() - kept.at < KEPT_MS && !answers.some(({ client }) => client === kept.sent.id)) ask(kept.sent);
  }

  const lastQuestion = () => [...turns.querySelectorAll(".turn-question")].at(-1)?.textContent ?? "";
  return { ask, cancel, restore, lastQuestion };
}
