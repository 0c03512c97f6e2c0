// Pinned and shared answers: each is read anew, one after the other, and drawn as in the chat.
import { button as control, make } from "../live/kit/dom.js";
import { printing, themeButton } from "../live/kit/look.js";
import { card } from "./card.js";

const board = document.getElementById("board");
const said = document.getElementById("board-said");
const token = board.querySelector("[name=csrfmiddlewaretoken]").value;

async function send(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!response.ok) throw new Error(response.status === 404 ? "It is gone already; reload the page." : "That did not work; please try again.");
}

// What an answer's card is handed: here it is read, so that asking on leads to the chat.
const page = {
  token,
  feedback: false,
  suggest: null,
  fixed: true,
  api: (path) => `${board.dataset.api}/${path}`,
  ask: ({ question }) => { location.href = `${board.dataset.ask}?q=${encodeURIComponent(question)}`; },
  say: (words) => { said.textContent = words; },
};

async function show(section) {
  const place = section.querySelector(".board-answer");
  try {
    const response = await fetch(section.dataset.answer, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(response.status === 429 ? "Too many questions in a short time; reload in a minute." : "It cannot be read just now.");
    const drawn = card(await response.json(), page);
    const question = drawn.querySelector(".turn-question");
    if (question.textContent === section.getAttribute("aria-label")) question.remove(); // it is the heading already
    place.replaceChildren(drawn);
  } catch (error) {
    const again = control("Try again", () => show(section), "button quiet");
    place.replaceChildren(make("p", "muted", error.name === "TimeoutError" ? "This took too long." : error.message), again);
  }
  place.removeAttribute("aria-busy");
}

async function act(button) {
  const pin = button.closest("[data-pin]");
  const pins = [...board.querySelectorAll("[data-pin]")];
  const place = pins.indexOf(pin);
  switch (button.dataset.do) {
    case "remove":
      await send("DELETE", pin.dataset.answer);
      pin.remove();
      return "Taken off";
    case "earlier":
    case "later": {
      const to = Math.max(0, Math.min(pins.length - 1, place + (button.dataset.do === "later" ? 1 : -1)));
      if (to === place) return "It is at the end already";
      await send("PATCH", pin.dataset.answer, { position: to });
      if (to > place) pins[to].after(pin);
      else pins[to].before(pin);
      button.focus();
      return "Moved";
    }
    case "end":
      await send("DELETE", button.closest("[data-schedule]").dataset.schedule);
      button.closest("[data-schedule]").remove();
      return "No more by mail";
    default:
      await send("DELETE", button.dataset.link);
      button.remove();
      return "The link is taken back";
  }
}

board.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button) return;
  button.disabled = true;
  try {
    said.textContent = await act(button);
  } catch (error) {
    said.textContent = error.message;
    said.classList.remove("visually-hidden");
  }
  button.disabled = false;
});

const theme = document.getElementById("theme");
if (theme) themeButton(theme);
printing();
for (const section of board.querySelectorAll("[data-answer]")) await show(section);
