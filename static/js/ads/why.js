// “Why isn't it serving?”: asks how far the search for changes is until it is done.
const PAUSE = 700;
const PATIENCE = 180_000;

async function look(box, until) {
  const answer = await fetch(box.dataset.gains, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(`answered ${answer.status}`);
  const found = await answer.json();
  if (found.state === "done") {
    box.innerHTML = found.html;
    return;
  }
  box.querySelector("progress").value = found.share;
  if (Date.now() > until) throw new Error("took too long");
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  await look(box, until);
}

for (const box of document.querySelectorAll("[data-gains]")) {
  look(box, Date.now() + PATIENCE).catch(() => {
    const words = document.createElement("p");
    words.textContent = "The changes could not be tried just now. Load the page again to have another go.";
    box.replaceChildren(words);
  });
}
