// The last minutes of predictions as a small line with its interval. The values and the geometry are pure; `TrendView` draws them.

export const KEPT_SECONDS = 180;
const SPACE = "http://www.w3.org/2000/svg";

export class Trend {
  constructor(kept = KEPT_SECONDS) {
    this.kept = kept;
    this.points = [];
    this.marks = [];
  }

  /** ``at`` in seconds of any clock that only moves forward; shares 0-1. */
  add(at, { value, low = value, high = value }) {
    this.points.push({ at, value, low: low ?? value, high: high ?? value });
    this.forget(at);
  }

  /** Something was changed at this moment. */
  mark(at) {
    this.marks.push(at);
    this.forget(at);
  }

  forget(now) {
    this.points = this.points.filter((point) => now - point.at <= this.kept);
    this.marks = this.marks.filter((at) => now - at <= this.kept);
  }

  /** -> {line, band, marks}: SVG paths and places in a box of width x height, the present moment at its right edge. */
  drawn(now, width, height) {
    const x = (at) => round(width * (1 - Math.min(1, Math.max(0, (now - at) / this.kept))));
    const y = (share) => round(height * (1 - Math.min(1, Math.max(0, share))));
    const path = (points) => points.map(([px, py], index) => `${index ? "L" : "M"}${px} ${py}`).join(" ");
    const upper = this.points.map((point) => [x(point.at), y(point.high)]);
    const lower = this.points.map((point) => [x(point.at), y(point.low)]).reverse();
    return {
      line: path(this.points.map((point) => [x(point.at), y(point.value)])),
      band: this.points.length > 1 ? `${path([...upper, ...lower])} Z` : "",
      marks: this.marks.map(x),
    };
  }

  /** The line in words: where it began, where it stands. */
  words() {
    if (this.points.length < 2) return "";
    const [first, last] = [this.points[0], this.points.at(-1)];
    const percent = (share) => `${Math.round(share * 100)} %`;
    return `Over the last ${Math.round(last.at - first.at)} seconds, from ${percent(first.value)} to ${percent(last.value)}.`;
  }
}

export class TrendView {
  constructor(svg) {
    this.svg = svg;
    this.trend = new Trend();
    const { width, height } = svg.viewBox.baseVal;
    Object.assign(this, { width, height });
    this.band = this.shape("path", "trend-band");
    this.line = this.shape("path", "trend-line");
    this.changes = this.shape("g", "trend-changes");
  }

  shape(name, kind) {
    const element = document.createElementNS(SPACE, name);
    element.setAttribute("class", kind);
    this.svg.append(element);
    return element;
  }

  add(message) {
    this.trend.add(performance.now() / 1000, message);
    this.draw();
  }

  mark() {
    this.trend.mark(performance.now() / 1000);
    this.draw();
  }

  draw() {
    const drawn = this.trend.drawn(performance.now() / 1000, this.width, this.height);
    this.line.setAttribute("d", drawn.line);
    this.band.setAttribute("d", drawn.band);
    this.changes.replaceChildren(
      ...drawn.marks.map((x) => {
        const mark = document.createElementNS(SPACE, "line");
        for (const [name, value] of Object.entries({ x1: x, x2: x, y1: 0, y2: this.height })) mark.setAttribute(name, String(value));
        return mark;
      }),
    );
    this.svg.setAttribute("aria-label", `Predicted engagement lately. ${this.trend.words()}`);
  }
}

const round = (value) => Math.round(value * 10) / 10;
