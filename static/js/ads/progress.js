// Keeps the bars of files that are being processed up to date, and ends by itself when the last of them is done.
(() => {
  const EVERY = 1500;
  const LONGEST = 10000;

  function show(place, told) {
    place.dataset.state = told.state;
    const bar = place.querySelector("progress");
    bar.value = told.progress;
    bar.hidden = told.done;
    place.querySelector(".clip-stage").textContent = told.title || (told.done ? "Ready for review" : `${told.stage}, ${told.progress}%`);
    place.querySelector(".clip-problem").textContent = told.problem;
    place.querySelector(".clip-remedy").textContent = told.remedy;
    if (told.done) {
      delete place.dataset.waits;
      const state = document.querySelector(".review-standing strong");
      if (state && told.review) state.textContent = told.review;
      if (told.preview) {
        place.insertAdjacentHTML("beforebegin", told.preview);
        place.remove();
      }
    }
  }

  async function look(pause) {
    const waiting = [...document.querySelectorAll(".clip-progress[data-waits]")];
    if (!waiting.length) return;
    const ids = [...new Set(waiting.map((place) => place.dataset.creative))];
    let next = EVERY;
    try {
      const answer = await fetch(`/admin/ads/ad/progress/?ids=${ids.join(",")}`, { headers: { Accept: "application/json" } });
      if (answer.status === 403 || answer.redirected) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const told = new Map((await answer.json()).creatives.map((one) => [String(one.id), one]));
      for (const place of waiting) {
        const one = told.get(place.dataset.creative);
        if (one) show(place, one);
        else delete place.dataset.waits;
      }
    } catch {
      next = Math.min(LONGEST, pause * 2);
    }
    setTimeout(look, next, next);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => look(EVERY));
  else look(EVERY);
})();
