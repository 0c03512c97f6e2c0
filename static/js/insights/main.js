import { card, failed, waiting } from "./card.js";
import { make } from "./dom.js";

const PATIENCE_MS = 30_000;
const root = document.getElementById("ask");
const form = document.getElementById("form");
const box = document.getElementById("question");
const send = document.getElementById("send");
const thread = document.getElementById("thread");
const welcome = document.getElementById("welcome");
const side = document.getElementById("conversations");
let conversation = Number(root.dataset.conversation) || null;
let busy = false;

for (const answer of JSON.parse(document.getElementById("history").textContent)) thread.append(card(answer, ask));
thread.lastElementChild?.scrollIntoView({ block: "end" });

const wide = window.matchMedia("(min-width: 900px)");
side.open = wide.matches;
wide.addEventListener("change", () => { side.open = wide.matches; });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(box.value);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
box.addEventListener("input", grow);
for (const chip of document.querySelectorAll("[data-question]")) chip.addEventListener("click", () => ask(chip.dataset.question));
if (wide.matches) box.focus();

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
}

async function ask(typed) {
  const question = typed.trim();
  if (!question || busy) return;
  setBusy(true);
  if (box.value.trim() === question) box.value = ""; // what is typed while the answer is read stays
  grow();
  welcome.hidden = true;
  const place = waiting(question);
  thread.append(place);
  place.scrollIntoView({ block: "end" });
  const shown = await turn(question);
  place.replaceWith(shown);
  shown.scrollIntoView({ block: "start" });
  setBusy(false);
  box.focus({ preventScroll: true });
}

function setBusy(now) {
  busy = now;
  send.disabled = now;
  thread.setAttribute("aria-busy", String(now));
}

async function turn(question) {
  const retry = (event) => {
    if (busy) return;
    event.target.closest("article").remove();
    ask(question);
  };
  try {
    const response = await fetch(root.dataset.api, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body: JSON.stringify({ question, conversation }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) return failed(question, await trouble(response), retry);
    const answer = await response.json();
    remember(answer);
    return card(answer, ask);
  } catch (error) {
    const late = error.name === "TimeoutError";
    return failed(question, late ? "This took too long and was stopped. A shorter period may help." : "The server can't be reached just now.", retry);
  }
}

async function trouble(response) {
  if (response.status === 429) return "That was a lot of questions in a short time. Please wait a minute.";
  if (response.status === 401 || response.status === 403) return "You are signed out, or may not ask here. Reload the page to sign in again.";
  if (response.status === 404) return "This conversation is gone. Start a new one.";
  if (response.status === 400) {
    const said = await response.json().catch(() => ({}));
    return said.question?.[0] ?? "This question can't be read. Please put it differently.";
  }
  return "Something went wrong on our side. It has been logged; please try again.";
}

/** A first answer gives the conversation its address and its place in the list. */
function remember(answer) {
  if (conversation === answer.conversation) return;
  conversation = answer.conversation;
  const address = `${root.dataset.page}${conversation}/`;
  history.replaceState(null, "", address);
  document.getElementById("no-conversations")?.remove();
  const link = make("a", "", make("span", "ask-list-title", answer.question), make("time", "", "Just now"));
  link.href = address;
  link.setAttribute("aria-current", "page");
  document.getElementById("conversation-list").prepend(make("li", "", link));
}
