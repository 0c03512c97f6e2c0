// The head of a figure's or a table's section: what the template put there, and the tools at its end.

import { make } from "./dom.js";

export function sectionHead(section) {
  const heading = section.querySelector("h2, h3");
  const title = heading?.textContent.trim() ?? "Figure";
  let head = section.querySelector(".section-head");
  if (!head) {
    head = make("div", "section-head");
    head.append(...section.childNodes);
    section.prepend(head);
  }
  let tools = head.querySelector(".section-tools");
  if (!tools) head.append((tools = make("div", "section-tools no-print")));
  return { head, tools, title };
}
