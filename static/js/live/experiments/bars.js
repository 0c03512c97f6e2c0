// An interval as a bar on an axis that all bars of a table share: to the right is better.

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 220;
const HIGH = 26;
const LEAST = 0.02;
// Intervals much wider than the others would leave nothing to see of them: they end in an arrow.
const TIMES_THE_USUAL = 2.5;

/** How far the axis goes to either side of no difference, for ``gains`` [{value, low, high}] and what guardrails allow. */
export function reachOf(gains, worst = []) {
  const ends = gains.filter(Boolean).map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high)));
  if (!ends.length) return Math.max(LEAST, ...worst.map((one) => one * 1.2));
  const usual = ends.toSorted((a, b) => a - b)[Math.floor((ends.length - 1) / 2)];
  return Math.max(LEAST, Math.min(Math.max(...ends), usual * TIMES_THE_USUAL), ...worst.map((one) => one * 1.2));
}

/** Where ``value`` stands on the axis, 0-1, and whether that is beyond its end. */
export function place(value, reach) {
  const at = (value / reach + 1) / 2;
  return { at: Math.min(1, Math.max(0, at)), beyond: at < 0 || at > 1 };
}

/** ``gain`` as a bar; ``worst`` is a tick where a guardrail stands, ``verdict`` colours it. */
export function intervalBar(gain, { reach, worst = null, verdict = "" }) {
  const svg = part("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, width: WIDE, height: HIGH, "aria-hidden": "true" });
  svg.classList.add("interval");
  svg.dataset.verdict = verdict;
  const x = (value) => 6 + place(value, reach).at * (WIDE - 12);
  svg.append(part("line", { class: "interval-axis", x1: 0, x2: WIDE, y1: HIGH / 2, y2: HIGH / 2 }));
  svg.append(part("line", { class: "interval-zero", x1: x(0), x2: x(0), y1: 0, y2: HIGH }));
  if (worst !== null && worst !== undefined) svg.append(part("line", { class: "interval-worst", x1: x(-worst), x2: x(-worst), y1: 2, y2: HIGH - 2 }));
  if (!gain) return svg;
  const [low, high] = [x(gain.low), x(gain.high)];
  svg.append(part("rect", { class: "interval-band", x: low, y: HIGH / 2 - 5, width: Math.max(2, high - low), height: 10, rx: 3 }));
  if (place(gain.low, reach).beyond) svg.append(arrow(low, -1));
  if (place(gain.high, reach).beyond) svg.append(arrow(high, 1));
  svg.append(part("circle", { class: "interval-value", cx: x(gain.value), cy: HIGH / 2, r: 4.5 }));
  return svg;
}

const arrow = (x, way) => part("path", { class: "interval-arrow", d: `M${x} ${HIGH / 2 - 6}L${x + way * 6} ${HIGH / 2}L${x} ${HIGH / 2 + 6}Z` });

function part(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
