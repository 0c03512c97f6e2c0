// Where a question is typed: Enter asks, Shift and Enter begins a line, Escape cancels, the up arrow takes the last question back to edit it.

import { typeahead } from "./typeahead.js";

const HIGHEST = 160;

export function askBox({ page, onAsk, onCancel, last }) {
  const form = document.getElementById("form");
  const box = document.getElementById("question");
  const send = document.getElementById("send");
  const offers = typeahead(box, page, (question) => {
    box.value = question;
    form.requestSubmit();
  });
  let answering = false;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (answering) return onCancel();
    const question = box.value.trim();
    if (!question) return undefined;
    box.value = "";
    grow();
    offers.close();
    return onAsk(question);
  });
  box.addEventListener("input", grow);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || offers.took(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!answering) form.requestSubmit();
    } else if (event.key === "ArrowUp" && !box.value && last()) {
      event.preventDefault();
      box.value = last();
      grow();
      box.setSelectionRange(box.value.length, box.value.length);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && answering && !event.defaultPrevented) onCancel();
  });

  function grow() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, HIGHEST)}px`;
  }

  return {
    busy(now) {
      answering = now;
      send.textContent = now ? "Cancel" : "Ask";
      send.classList.toggle("quiet", now);
    },
    put(question) {
      box.value = question;
      grow();
    },
    focusIfWide() {
      // On a phone the keyboard would cover the page before anything was read.
      if (matchMedia("(min-width: 900px)").matches) box.focus({ preventScroll: true });
    },
  };
}
