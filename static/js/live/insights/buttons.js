// What a finding's buttons send. The page stays; what was done is said above the list, with a way back where there is one.

import { make } from "../kit/dom.js";

/** A form that posts to ``action``; with ``confirm`` the kit asks first. ``said`` is told when it worked, ``undo`` an address that takes it back. */
export function post({ action, label, confirm, said = "", undo = "", quiet = true }) {
  const form = make("form", "action");
  Object.assign(form, { method: "post", action });
  Object.assign(form.dataset, { insight: "yes", said, undo });
  if (confirm) Object.assign(form.dataset, { confirm, confirmTitle: `${label}?`, confirmAction: label });
  const send = make("button", quiet ? "button quiet small" : "button small", label);
  send.type = "submit";
  form.append(send);
  return form;
}

/** Sends the forms of ``post`` within ``room``, after what the kit asks. */
export function buttons(room) {
  const token = document.querySelector("#live [name=csrfmiddlewaretoken]").value;
  const told = room.querySelector("#said");

  function say(words, { bad = false, undo = "" } = {}) {
    told.hidden = false;
    told.toggleAttribute("data-bad", bad);
    told.replaceChildren(make("span", "", words));
    if (undo) told.append(post({ action: undo, label: "Undo", said: "It is back among what to look at." }));
  }

  async function send(form) {
    const row = form.closest(".insight");
    row?.toggleAttribute("data-leaving", true);
    const answer = await fetch(form.action, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" } }).catch(() => null);
    const body = answer ? await answer.json().catch(() => ({})) : {};
    if (answer?.ok) {
      row?.remove();
      say(body.outcome || form.dataset.said, { undo: form.dataset.undo });
    } else {
      row?.toggleAttribute("data-leaving", false);
      say(body.reason ?? "Nothing was done: the server could not be reached. Try again.", { bad: true });
    }
  }

  room.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.insight === undefined || (form.dataset.confirm !== undefined && !form.dataset.confirmed)) return;
    event.preventDefault();
    send(form);
  });
}
