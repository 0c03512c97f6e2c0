// Questions that begin as what is typed, offered below the box: a combobox after the ARIA practices.

import { make } from "../live/kit/dom.js";

const WAIT_MS = 180;
const LEAST = 2;
const KINDS = { yours: "asked before", example: "example" };

/** ``took(event)``: whether a key was meant for the list. Without an address of suggestions nothing is ever offered. */
export function typeahead(box, page, choose) {
  const list = make("ul", "offers");
  list.id = "offers";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Questions you may mean");
  box.parentElement.append(list);
  let at = -1;
  let timer = null;
  let asked = "";
  if (page.suggest) {
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", "offers");
    box.setAttribute("aria-expanded", "false");
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(offer, WAIT_MS);
    });
    box.addEventListener("blur", () => setTimeout(close, 150));
  }

  async function offer() {
    const words = (asked = box.value.trim());
    if (words.length < LEAST) return close();
    const response = await fetch(`${page.suggest}?q=${encodeURIComponent(words)}`, { signal: AbortSignal.timeout(4000) }).catch(() => null);
    if (!response?.ok) return close();
    const said = await response.json();
    if (asked !== box.value.trim() || document.activeElement !== box) return undefined;
    return show(Array.isArray(said) ? said : (said.suggestions ?? said.results ?? []));
  }

  function show(found) {
    at = -1;
    list.replaceChildren(...found.slice(0, 6).map((one, number) => {
      const question = typeof one === "string" ? one : (one.question ?? one.label);
      const item = make("li", "offer", question, one.kind ? make("small", "muted", one.verified ? "✓ verified" : (KINDS[one.kind] ?? one.kind)) : null);
      item.id = `offer-${number}`;
      item.dataset.question = question;
      item.setAttribute("role", "option");
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(item);
      });
      return item;
    })); // prettier-ignore
    list.hidden = !list.children.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
  }

  function take(item) {
    const { question } = item.dataset;
    close();
    choose(question);
  }

  function close() {
    clearTimeout(timer);
    asked = "";
    list.hidden = true;
    list.replaceChildren();
    if (page.suggest) box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  function move(way) {
    const items = [...list.children];
    // None is one of the places: from there the text is sent as it was typed.
    at = ((at + 1 + way + items.length + 1) % (items.length + 1)) - 1;
    items.forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
    if (items[at]) box.setAttribute("aria-activedescendant", items[at].id);
    else box.removeAttribute("aria-activedescendant");
  }

  function took(event) {
    if (list.hidden) return false;
    const chosen = list.children[at];
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && chosen && !event.shiftKey) take(chosen);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    return true;
  }

  return { took, close };
}
