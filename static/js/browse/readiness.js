// While something on the page is still being prepared, ask now and then what can be played by now.
const EVERY = 8000;

export function watchPreparation() {
  if (document.querySelector(".is-preparing")) setTimeout(ask, EVERY);
}

async function ask() {
  if (!document.hidden) {
    const answer = await fetch("/search/readiness/").catch(() => null);
    if (answer?.ok) markReady(new Set((await answer.json()).ready));
  }
  watchPreparation();
}

function markReady(ready) {
  for (const element of document.querySelectorAll(".is-preparing")) {
    const slug = element.dataset.title;
    if (!ready.has(slug)) continue;
    if ("reload" in element.dataset) return location.reload();
    element.classList.remove("is-preparing");
    element.querySelector(".badge")?.remove();
    if (element.matches(".button")) element.replaceWith(playButton(slug));
  }
}

function playButton(slug) {
  const link = document.createElement("a");
  link.className = "button big";
  link.href = `/watch/${slug}/`;
  link.textContent = "Play";
  return link;
}
