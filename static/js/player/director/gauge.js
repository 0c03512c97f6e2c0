// A half circle from 0 to 100 %, with the interval as a lighter arc and the value as a needle's tip. Geometry pure, drawing apart.

const SPACE = "http://www.w3.org/2000/svg";

/** The point of a half circle of radius ``r`` about (cx, cy) at a share 0-1, left to right. */
export function pointAt(share, { cx, cy, r }) {
  const angle = Math.PI * (1 - Math.min(1, Math.max(0, share)));
  return [round(cx + r * Math.cos(angle)), round(cy - r * Math.sin(angle))];
}

/** SVG path of the arc from one share to another. */
export function arc(from, to, circle) {
  const [x0, y0] = pointAt(from, circle);
  const [x1, y1] = pointAt(to, circle);
  return `M${x0} ${y0} A${circle.r} ${circle.r} 0 0 1 ${x1} ${y1}`;
}

export class Gauge {
  constructor(svg) {
    this.circle = { cx: 100, cy: 100, r: 84 };
    const shape = (name, kind) => {
      const element = document.createElementNS(SPACE, name);
      element.setAttribute("class", kind);
      svg.append(element);
      return element;
    };
    shape("path", "gauge-rail").setAttribute("d", arc(0, 1, this.circle));
    this.band = shape("path", "gauge-band");
    this.value = shape("path", "gauge-value");
    this.tip = shape("circle", "gauge-tip");
    this.tip.setAttribute("r", "0");
  }

  show({ value, low, high }) {
    const [x, y] = pointAt(value, this.circle);
    this.value.setAttribute("d", arc(0, value, this.circle));
    this.band.setAttribute("d", arc(low ?? value, high ?? value, this.circle));
    this.tip.setAttribute("r", "8");
    this.tip.setAttribute("cx", String(x));
    this.tip.setAttribute("cy", String(y));
  }
}

const round = (value) => Math.round(value * 100) / 100;
