// Shares with what they are of, tiles, and sentences about both: what the pages of titles and content have in common.

import { make, setText } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";

/** “41.3 % – 46.7 % of 1,330” of a share {value, low, high, count, of}; empty where there is nothing. */
export function ofText(write, share) {
  if (!share?.of) return "";
  return `${write.interval([share.low, share.high], "share")} of ${write.count(share.of)}`;
}

/** A cell with a share, its interval and (unless ``brief``) what it is of, and what is usual; ``apart`` (more | less) marks it. */
export function shareCell(write, share, { usual, apart, brief } = {}) {
  const value = make("span", "cell-apart", write.value(share?.value, "share"));
  if (apart) value.dataset.apart = apart;
  const cell = make("span", "", value);
  if (share?.of) cell.append(make("span", "cell-of", brief ? write.interval([share.low, share.high], "share") : ofText(write, share)));
  if (usual !== null && usual !== undefined) cell.append(make("span", "cell-usual", `usual ${write.value(usual, "share")}`));
  return cell;
}

/** “+7.8 pp” above its interval, of a difference {value, low, high}. */
export function gapCell(write, gap) {
  if (!gap) return NOTHING;
  return make("span", "", write.value(gap.value, "points"), make("span", "cell-of", `${write.value(gap.low, "points")} to ${write.value(gap.high, "points")}`));
}

/** Draws [{label, value, of}] into a list, keeping the elements. */
export function tiles(list) {
  return (rows) => {
    rows.forEach(({ label, value, of }, at) => {
      const tile = list.children[at] ?? list.appendChild(make("li", "card", make("h2"), make("p", "value"), make("p", "of")));
      [label, value, of || "\u00a0"].forEach((text, part) => setText(tile.children[part], text));
    });
    while (list.children.length > rows.length) list.lastElementChild.remove();
  };
}

/** Have a bar chart's axis hold its whiskers, in steps, so that it seldom moves. ``highs``: their upper ends. */
export function highest(chart, highs) {
  const known = (highs ?? []).filter((one) => one !== null && one !== undefined);
  if (!known.length) return;
  const most = Math.max(...known) * 1.04;
  const step = 10 ** Math.floor(Math.log10(most)) / 2;
  const max = Math.ceil(most / step) * step;
  if (chart.top === max) return;
  chart.top = max;
  chart.change({ max });
}

/** Sentences as the items of a list. */
export function sentences(list, texts) {
  texts.forEach((text, at) => setText(list.children[at] ?? list.appendChild(make("li")), text));
  while (list.children.length > texts.length) list.lastElementChild.remove();
}

export function synthetic(badge, write, share, what) {
  badge.hidden = !share;
  setText(badge, share ? `Includes synthetic audience: ${write.share(share)} of ${what}` : "");
}

/** When the slower figures were worked out. */
export function workedText(write, at) {
  return at
    ? `Breaks, groups, the Director's effects and comparisons were worked out at ${write.clock(at)} UTC, and are anew every five minutes while somebody looks. `
    : "Breaks, groups, the Director's effects and comparisons are being worked out; they come within a minute. ";
}
