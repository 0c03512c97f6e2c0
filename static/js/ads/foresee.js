// A button beside Save on the flight form: forecasts the terms as they stand in the form, without saving them.
function place(form) {
  let found = document.getElementById("foresee-result");
  if (!found) {
    found = document.createElement("section");
    found.id = "foresee-result";
    found.className = "foresee-result";
    found.setAttribute("aria-live", "polite");
    found.tabIndex = -1;
    (document.getElementById("submit-row") || form.lastElementChild).before(found);
  }
  return found;
}

function sentence(words, name) {
  const line = document.createElement("p");
  line.className = "foresight-warning is-red";
  if (name) {
    const field = document.createElement("strong");
    field.textContent = `${name}: `;
    line.append(field);
  }
  line.append(words);
  return line;
}

function refused(result, errors) {
  const intro = document.createElement("p");
  intro.textContent = "These terms cannot be forecast yet:";
  const lines = Object.entries(errors).flatMap(([name, words]) => words.map((one) => sentence(one, name === "The whole" ? "" : name)));
  result.replaceChildren(intro, ...lines);
}

async function foresee(form, button) {
  const result = place(form);
  button.disabled = true;
  const wait = document.createElement("p");
  wait.textContent = "Simulating the coming weeks…";
  result.replaceChildren(wait);
  result.scrollIntoView({ behavior: "smooth", block: "start" });
  try {
    const answer = await fetch(button.dataset.address, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) {
      const told = await answer.json();
      if (told.errors) refused(result, told.errors);
      else result.innerHTML = told.html;
    } else {
      result.replaceChildren(sentence(answer.status === 403 ? "Your groups do not allow this." : "You are signed out, or something broke; reload the page."));
    }
  } catch {
    result.replaceChildren(sentence("The server could not be reached; try again."));
  }
  button.disabled = false;
  result.focus({ preventScroll: true });
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("flight_form");
  const save = document.querySelector('#submit-row [name="_save"]');
  if (!form || !save) return;
  const number = /\/flight\/(\d+)\/change\//.exec(window.location.pathname);
  const button = document.createElement("button");
  button.type = "button";
  button.id = "foresee";
  button.className = "foresee-button";
  button.textContent = "Forecast";
  button.title = "What these terms can expect, without saving them";
  button.dataset.address = number ? `/admin/ads/flight/${number[1]}/forecast/unsaved/` : "/admin/ads/flight/forecast/";
  button.addEventListener("click", () => foresee(form, button));
  save.after(button);
});
