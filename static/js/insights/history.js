// The conversations at the side: searched by what was said in them, named, put away and brought back.

import { button, make } from "../live/kit/dom.js";
import { trouble } from "./line.js";
import { menuButton } from "./menu.js";

const WAIT_MS = 250;
const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });

export function history(root, page) {
  const side = document.getElementById("conversations");
  const list = document.getElementById("conversation-list");
  const search = document.getElementById("search");
  const away = document.getElementById("archived");
  const nothing = document.getElementById("no-conversations");
  let current = Number(root.dataset.conversation) || null;
  let timer = null;
  let asked = 0;
  const put = () => away.getAttribute("aria-pressed") === "true";

  const wide = matchMedia("(min-width: 900px)");
  side.open = wide.matches;
  wide.addEventListener("change", () => (side.open = wide.matches));
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(read, WAIT_MS);
  });
  search.addEventListener("keydown", (event) => event.key === "Escape" && ((search.value = ""), read()));
  away.addEventListener("click", () => {
    away.setAttribute("aria-pressed", String(away.getAttribute("aria-pressed") !== "true"));
    read();
  });
  draw(JSON.parse(document.getElementById("conversations-data").textContent));

  async function read() {
    const mine = ++asked;
    const url = `${page.api("conversations")}?${new URLSearchParams({ q: search.value.trim(), archived: put() ? "1" : "" })}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(10000) }).catch(() => null);
    if (mine !== asked) return;
    if (response?.ok) draw(await response.json());
    else page.say("The conversations can't be read just now.");
  }

  function draw(conversations) {
    list.replaceChildren(...conversations.map(item));
    nothing.hidden = conversations.length > 0;
    nothing.textContent = search.value.trim() ? "Nothing found." : put() ? "Nothing put away." : "Nothing asked yet.";
  }

  function item(one) {
    const when = make("time", "", WHEN.format(new Date(one.latest_at)));
    when.dateTime = one.latest_at;
    const link = make("a", "", make("span", "ask-list-title", one.title), when);
    link.href = page.address(one.id);
    if (one.id === current) link.setAttribute("aria-current", "page");
    const more = menuButton(button("⋯", () => {}, "more", `More for ${one.title}`), [
      { label: "Rename", choose: () => rename(one) },
      { label: one.archived ? "Bring back" : "Put away", choose: () => change(one, { archived: !one.archived }) },
    ], `Conversation ${one.title}`); // prettier-ignore
    return make("li", "", link, more);
  }

  async function change(one, changes) {
    const response = await page.patch(page.api(`conversations/${one.id}`), changes).catch(() => null);
    if (response && !response.ok) page.say(await trouble(response));
    await read();
  }

  function rename(one) {
    const name = make("input");
    Object.assign(name, { value: one.title.slice(0, 120), maxLength: 120 });
    const form = make("form", "", make("label", "", make("span", "", "Name of the conversation"), name));
    const dialog = make("dialog", "confirm", form);
    const save = make("button", "button", "Rename");
    form.append(make("div", "confirm-tools", button("Cancel", () => dialog.close(), "button quiet"), save));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close();
      change(one, { title: name.value.trim() });
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    name.select();
  }

  return {
    /** An answer gives a new conversation its place in the list, and an old one its place at the top. */
    remember(answer) {
      current = answer.conversation;
      if (!search.value && !put()) read();
    },
  };
}
