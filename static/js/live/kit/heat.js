// Hours by weekdays and the like: a real table whose cells carry a shade. It is its own table, so nothing stands behind it.

import { make, setText } from "./dom.js";

const known = (value) => value !== null && value !== undefined;

/** One row of cells for each of ``rows``, from cells that come as rows or in one go. */
export function heatRows({ rows, columns, cells }) {
  const nested = Array.isArray(cells[0]) ? cells : rows.map((_, at) => cells.slice(at * columns.length, (at + 1) * columns.length));
  return nested.map((row) => row.map((cell) => (known(cell) && typeof cell === "object" ? cell : { value: cell ?? null })));
}

/** [least, most] of what is known; null where nothing is. */
export function heatRange(data) {
  const values = heatRows(data).flat().map((cell) => cell.value).filter(known);
  return values.length ? [Math.min(...values), Math.max(...values)] : null;
}

export const heatPart = (value, [least, most]) => (most > least ? (value - Math.min(0, least)) / (most - Math.min(0, least)) : 1);

export function heat(box, spec, write, title) {
  const grid = make("table", "heat", make("caption", "visually-hidden", title), make("thead"), make("tbody"));
  const scale = make("p", "heat-scale muted");
  box.append(make("div", "heat-frame", grid), scale);
  const read = make("p", "heat-read muted", spec.hint ?? "Point at a cell, or move with the arrow keys");
  scale.append(make("span", "", ""), make("span", "heat-ramp"), make("span", "", ""), read);
  let cells = [];
  let focus = [0, 0];
  const say = (cell) => setText(read, cell.getAttribute("aria-label"));
  grid.addEventListener("pointerover", ({ target }) => target.matches("td") && say(target));
  grid.addEventListener("focusin", ({ target }) => target.matches("td") && say(target));
  grid.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    const next = down === undefined ? null : cells[focus[0] + down]?.[focus[1] + right];
    if (!next) return;
    event.preventDefault();
    cells[focus[0]][focus[1]].tabIndex = -1;
    focus = [focus[0] + down, focus[1] + right];
    next.tabIndex = 0;
    next.focus();
  });

  return function draw(data) {
    const range = heatRange(data) ?? [0, 0];
    const [head, body] = [grid.tHead, grid.tBodies[0]];
    if (head.rows[0]?.cells.length !== data.columns.length + 1) {
      head.replaceChildren(make("tr", "", make("td"), ...data.columns.map(() => Object.assign(make("th"), { scope: "col" }))));
    }
    data.columns.forEach((name, at) => setText(head.rows[0].cells[at + 1], String(name)));
    cells = heatRows(data).map((row, at) => {
      const element = body.rows[at] ?? body.insertRow();
      while (element.cells.length < row.length + 1) element.append(element.cells.length ? make("td") : Object.assign(make("th"), { scope: "row" }));
      setText(element.cells[0], String(data.rows[at]));
      return row.map((cell, column) => shade(element.cells[column + 1], cell, { range, data, at, column, spec, write }));
    });
    while (body.rows.length > cells.length) body.deleteRow(-1);
    if (cells[focus[0]]?.[focus[1]]) cells[focus[0]][focus[1]].tabIndex = 0;
    setText(scale.children[0], write.value(Math.min(0, range[0]), spec.unit));
    setText(scale.children[2], write.value(range[1], spec.unit));
  };
}

function shade(element, cell, { range, data, at, column, spec, write }) {
  element.classList.toggle("nothing", !known(cell.value));
  element.style.setProperty("--part", known(cell.value) ? heatPart(cell.value, range).toFixed(3) : 0);
  const n = known(cell.n) ? `, ${write.count(cell.n)} ${spec.nWord ?? "in it"}` : "";
  const label = `${data.rows[at]} ${data.columns[column]}: ${write.value(cell.value, spec.unit)}${n}${cell.note ? `, ${cell.note}` : ""}`;
  if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
  if (element.tabIndex !== 0) element.tabIndex = -1;
  return element;
}
