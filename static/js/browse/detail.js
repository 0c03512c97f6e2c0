// A title opens in a dialog over the page it was found on; the address changes so that it can be shared, and Back closes it.
import { paintTitles } from "./colours.js";

export function enhanceDetail(dialog) {
  if (!dialog) return;
  const home = location.href;
  let opener = null;

  const open = async (url) => {
    const answer = await fetch(`${url}?part=detail`).catch(() => null);
    if (!answer?.ok) return location.assign(url);
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    dialog.replaceChildren(...parsed.body.children);
    paintTitles(dialog);
    enhanceStars(dialog);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-title]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    opener ??= link;
    if (dialog.open) history.replaceState({ detail: link.href }, "", link.href);
    else history.pushState({ detail: link.href }, "", link.href);
    open(link.href);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest(".detail-close")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    if (location.href !== home) history.state?.detail ? history.back() : history.replaceState(null, "", home);
    opener?.focus();
    opener = null;
  });
  addEventListener("popstate", (event) => {
    if (event.state?.detail) open(event.state.detail);
    else if (dialog.open) dialog.close();
  });
}

export function enhanceStars(root) {
  for (const form of root.querySelectorAll("form.stars")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const stars = Number(event.submitter.value);
      const body = new FormData(form, event.submitter);
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
      if (answer?.ok) lightStars(form, stars);
      else form.querySelector("legend").textContent = "Not saved; try again";
    });
  }
}

export function lightStars(form, stars) {
  form.querySelector("legend").textContent = "Your rating";
  for (const button of form.querySelectorAll(".star")) {
    button.classList.toggle("lit", Number(button.value) <= stars);
    button.setAttribute("aria-pressed", String(Number(button.value) === stars));
  }
}
