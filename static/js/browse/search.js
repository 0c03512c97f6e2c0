// Type-ahead: a combobox over the search form. Enter without a choice sends the form, as it does without script.
const PAUSE = 140;

export function enhanceSearch(form) {
  if (!form) return;
  const input = form.querySelector("input[type=search]");
  const list = form.querySelector(".suggestions");
  const state = { chosen: -1, results: [], asked: 0, timer: 0 };
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-autocomplete", "list");

  const close = () => {
    list.hidden = true;
    state.chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    state.chosen = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
    if (index >= 0) input.setAttribute("aria-activedescendant", list.children[index].id);
  };
  const ask = async () => {
    const query = input.value.trim();
    const turn = ++state.asked;
    if (!query) return close();
    const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(query)}`).catch(() => null);
    if (!answer?.ok || turn !== state.asked) return;
    state.results = (await answer.json()).results;
    show(list, state.results, query);
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  };
  input.addEventListener("input", () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (list.hidden || !state.results.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose((state.chosen + step + state.results.length) % state.results.length);
    } else if (event.key === "Enter" && state.chosen >= 0) {
      event.preventDefault();
      location.assign(state.results[state.chosen].url);
    }
  });
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[data-url]");
    if (item) location.assign(item.dataset.url);
  });
  input.addEventListener("blur", () => setTimeout(close, 120));
  input.addEventListener("focus", () => input.value.trim() && ask());
}

function show(list, results, query) {
  list.replaceChildren(...(results.length ? results.map(suggestion) : [nothing(query)]));
  list.hidden = false;
}

function suggestion(result, index) {
  const item = document.createElement("li");
  item.className = "suggestion";
  item.id = `suggestion-${index}`;
  item.setAttribute("role", "option");
  item.dataset.url = result.url;
  const picture = document.createElement(result.picture ? "img" : "span");
  if (result.picture) Object.assign(picture, { src: result.picture, alt: "" });
  else picture.className = "blank";
  const words = document.createElement("span");
  const name = document.createElement("strong");
  name.textContent = result.name;
  const detail = document.createElement("small");
  detail.textContent = result.ready ? result.detail : `${result.detail} · being prepared`;
  words.append(name, detail);
  item.append(picture, words);
  return item;
}

function nothing(query) {
  const item = document.createElement("li");
  item.className = "suggestion-none";
  item.textContent = `Nothing for “${query}”`;
  return item;
}
