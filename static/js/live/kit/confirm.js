// What changes something is asked back first: any form with data-confirm="What will happen." goes only after a yes.

import { button, make } from "./dom.js";

/** Resolves true when the person says yes. */
export function ask({ title = "Do this?", words = "", action = "Yes, do it" }) {
  return new Promise((resolve) => {
    const dialog = make("dialog", "confirm");
    const yes = button(action, () => dialog.close("yes"), "button");
    const heading = make("h2", "", title);
    heading.id = "confirm-title";
    dialog.setAttribute("aria-labelledby", heading.id);
    const tools = make("div", "confirm-tools", button("Cancel", () => dialog.close(), "button quiet"), yes);
    dialog.append(heading, make("p", "", words), tools);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A form that posts ``fields`` to ``action`` after a yes to ``confirm``; its button says ``label``. */
export function actionForm({ action, label, confirm, title = label, fields = {}, quiet = true }) {
  const form = make("form", "action");
  Object.assign(form, { method: "post", action });
  Object.assign(form.dataset, { confirm, confirmTitle: title, confirmAction: label });
  const token = document.querySelector("#live [name=csrfmiddlewaretoken]");
  for (const [name, value] of Object.entries({ ...fields, csrfmiddlewaretoken: token.value })) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  const send = make("button", quiet ? "button quiet small" : "button small", label);
  send.type = "submit";
  form.append(send);
  return form;
}

/** Asks for all forms of the page, also those that come later. livePage() calls it. */
export function confirmForms() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const { confirm: words, confirmTitle: title, confirmAction: action } = form.dataset;
    if (words === undefined || form.dataset.confirmed) return;
    event.preventDefault();
    const submitter = event.submitter;
    if (!(await ask({ title, words, action: action ?? submitter?.textContent.trim() }))) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter?.isConnected ? submitter : undefined);
    // Where the page stays (a download, a refusal without a new page), the next press is asked again.
    setTimeout(() => delete form.dataset.confirmed, 1000);
  });
}
