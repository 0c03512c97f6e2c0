// What the list and the page of one experiment both show.

import { make } from "../kit/dom.js";
import { headline, percent } from "./words.js";

/** The verdict as a word in its colour, with a sign that says the same. */
export function chip(one) {
  const { label, verdict } = headline(one);
  const element = make("span", "verdict", label);
  element.dataset.verdict = verdict;
  return element;
}

export function armsTable(one, write) {
  const head = make("tr", "", ...["Arm", "Share", "Units", "a day"].map((text) => Object.assign(make("th", "", text), { scope: "col" })));
  const rows = one.arms.map((arm) => {
    const name = Object.assign(make("th", "", arm.name, arm.control && arm.name !== "control" ? make("small", "muted", " control") : null), { scope: "row" });
    const cells = [percent(arm.share), write.value(arm.units), write.value(arm.units_a_day === null ? null : Math.round(arm.units_a_day))];
    return make("tr", "", name, ...cells.map((text) => make("td", "", text)));
  });
  return make("div", "scroll-x", make("table", "grid trial-arms", make("caption", "visually-hidden", "Arms, their shares and units"), make("thead", "", head), make("tbody", "", ...rows)));
}

/** What must be known before any figure is believed: an alarm, arms of the wrong size, looks that do not come. */
export function warnings(one) {
  const said = [];
  if (one.alarm) said.push(`Stopped by itself: ${one.alarm}`);
  else if (one.sizes?.verdict === "mismatch") said.push(one.sizes.words);
  if (one.looks) said.push(one.looks);
  return said.map((words) => make("p", "trial-warning", words));
}

/** The badge in the bar: how much of the audience is made up. */
export function synthetic(shares) {
  const known = shares.filter((share) => share !== null);
  const badge = document.getElementById("synthetic");
  badge.hidden = !known.some((share) => share > 0);
  if (!badge.hidden) badge.textContent = known.length === 1 || Math.min(...known) === Math.max(...known) ? `${percent(Math.max(...known))} of the sessions are synthetic` : `${percent(Math.min(...known))} to ${percent(Math.max(...known))} of the sessions are synthetic`;
}
