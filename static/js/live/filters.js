// What the page is narrowed to, kept in its URL; what there is to choose from comes from the server, by the rights of who asks.

import { setText } from "./kit/dom.js";
import { urlState } from "./kit/state.js";

const NARROWED = { advertiser: "", campaign: "", title: "", genre: "", device: "" };
const LISTS = { advertiser: "advertisers", campaign: "campaigns", title: "titles", genre: "genres", device: "devices" };

export function filters(page) {
  const form = document.getElementById("filters");
  const state = urlState({ range: "24h", compare: "previous", measure: "revenue", ...NARROWED });
  const clear = form.querySelector("[data-clear]");
  clear.addEventListener("click", () => state.set(NARROWED));
  const tell = () => told(form, state.get(), clear);
  offer(form, page).then(() => {
    state.bind(form);
    tell();
  });
  state.on(tell);
  return state;
}

async function offer(form, page) {
  const response = await fetch(form.dataset.choicesUrl, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!response?.ok) {
    // Asked again until it answers: the bar says meanwhile what is away.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    return page.line.refused ? undefined : offer(form, page);
  }
  const choices = await response.json();
  for (const [name, list] of Object.entries(LISTS)) {
    const select = form.elements.namedItem(name);
    if (!select) continue;
    select.append(...(choices[list] ?? []).map(({ value, label }) => new Option(label, value)));
    select.closest("label").hidden = !choices[list]?.length;
  }
  return undefined;
}

// In words, for a wall, for paper, and for whoever gets the link: the controls are not on those.
function told(form, values, clear) {
  const label = (name) => {
    const select = form.elements.namedItem(name);
    return select?.selectedOptions?.[0]?.value ? select.selectedOptions[0].textContent : `${name} ${values[name]}`;
  };
  const narrowed = Object.keys(NARROWED).filter((name) => values[name]);
  clear.hidden = !narrowed.length;
  const range = form.querySelector(`[name=range][value="${CSS.escape(values.range)}"]`)?.parentElement.textContent.trim() ?? values.range;
  setText(document.getElementById("scope"), [...narrowed.map(label), `trends over ${range}`].join(", "));
  document.getElementById("scope").dataset.narrowed = narrowed.length ? "yes" : "";
}

/** An <option> for each [value, label]; they are left alone where they are the same. */
export function fillOptions(select, choices) {
  const same = choices.length === select.options.length && choices.every(([value, label], at) => select.options[at].value === value && select.options[at].textContent === label);
  if (same) return;
  const chosen = select.value;
  select.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
  select.value = chosen;
}
