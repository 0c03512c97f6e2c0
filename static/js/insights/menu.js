// A button that opens a list of things to choose: arrow keys, Home, End, Escape, a press outside. One is open at a time.

import { make } from "../live/kit/dom.js";

let shut = null;

/** ``items``: [{label, choose, note?}], or a function that gives them when it opens. ``name``: what the list is of. */
export function menuButton(button, items, name) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const mine = button.getAttribute("aria-expanded") === "true";
    shut?.();
    if (!mine) open(button, typeof items === "function" ? items() : items, name);
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || button.getAttribute("aria-expanded") === "true") return;
    event.preventDefault();
    button.click();
  });
  return button;
}

function open(button, items, name) {
  const list = make("div", "menu", ...items.map(({ label, note, choose }) => {
    const item = make("button", "menu-item", label, note ? make("small", "muted", note) : null);
    Object.assign(item, { type: "button", tabIndex: -1 });
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      close(button);
      choose();
    });
    return item;
  })); // prettier-ignore
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", name);
  document.body.append(list);
  place(list, button);
  button.setAttribute("aria-expanded", "true");
  list.firstElementChild?.focus({ preventScroll: true });

  const outside = ({ target }) => !list.contains(target) && !button.contains(target) && shut?.();
  const scrolled = ({ target }) => target !== list && shut?.();
  const resized = () => shut?.();
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("scroll", scrolled, true);
  addEventListener("resize", resized);
  list.addEventListener("keydown", (event) => step(event, list, button));
  shut = () => {
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("scroll", scrolled, true);
    removeEventListener("resize", resized);
    list.remove();
    button.setAttribute("aria-expanded", "false");
    shut = null;
  };
}

function close(button) {
  shut?.();
  button.focus({ preventScroll: true });
}

function step(event, list, button) {
  const items = [...list.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items[to].focus({ preventScroll: true });
    items[to].scrollIntoView({ block: "nearest" });
  } else if (event.key === "Escape" || event.key === "Tab") {
    if (event.key === "Escape") event.preventDefault();
    event.stopPropagation();
    close(button);
  }
}

/** Below what it belongs to (or above, where that is asked for), else on the other side, and never beyond the edge of the screen. */
export function place(box, anchor, { above = false } = {}) {
  const from = anchor.getBoundingClientRect();
  const { offsetWidth: wide, offsetHeight: high } = box;
  const [roomAbove, roomBelow] = [from.top >= high + 14, from.bottom + high + 14 <= innerHeight];
  const below = above ? !roomAbove : roomBelow || !roomAbove;
  box.style.left = `${Math.max(8, Math.min(from.left, innerWidth - wide - 8))}px`;
  box.style.top = `${Math.max(8, below ? from.bottom + 6 : from.top - high - 6)}px`;
}
