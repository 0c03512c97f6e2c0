// A result as a table: sorted by its heads, wide ones scroll inside, each cell found again by its row and column.

import { button, make } from "../live/kit/dom.js";
import { sorted } from "../live/kit/sorting.js";

const FIRST_ROWS = 25;

/** ``result``: {columns, rows, cells}. ``{element, mark(row, column)}``: marks a cell, and gives it where it was found. */
export function grid(result, caption) {
  const state = { result, order: result.rows.map((_, at) => at), sort: null, all: result.rows.length <= FIRST_ROWS + 5, marked: null, heads: [] };
  state.body = make("tbody");
  state.more = button(`Show all ${result.rows.length} rows`, () => ((state.all = true), draw(state)), "button quiet small no-print");
  const table = make("table", "figures", make("caption", "visually-hidden", caption), make("thead", "", head(state)), state.body);
  const frame = make("div", "figures-frame", table);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", `Table: ${caption}`);
  draw(state);
  return { element: make("div", "figures-box", frame, state.more), mark: (row, column) => mark(state, row, column) };
}

function head(state) {
  return make("tr", "", ...state.result.columns.map((column, at) => {
    const cell = make("th", column.role === "measure" ? "number" : "", button(column.label, () => sortBy(state, at), "sort"));
    cell.scope = "col";
    state.heads.push(cell);
    return cell;
  })); // prettier-ignore
}

function sortBy(state, at) {
  const { columns, rows } = state.result;
  const falling = state.sort?.at === at ? !state.sort.falling : columns[at].role === "measure";
  state.sort = { at, falling };
  state.order = sorted(rows.map((_, row) => row), (row) => rows[row][at], falling);
  draw(state);
}

function draw(state) {
  const { result, order, all, marked, sort } = state;
  state.heads.forEach((cell, at) => {
    if (sort?.at === at) cell.setAttribute("aria-sort", sort.falling ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
  state.more.hidden = all;
  state.body.replaceChildren(...(all ? order : order.slice(0, FIRST_ROWS)).map((row) => line(result, row, marked)));
}

function line({ columns, cells }, row, marked) {
  const named = columns[0]?.role !== "measure";
  return make("tr", "", ...cells[row].map((text, at) => {
    const cell = make(named && !at ? "th" : "td", columns[at].role === "measure" ? "number" : "", text);
    if (named && !at) cell.scope = "row";
    if (marked && marked.row === row && marked.at === at) cell.classList.add("marked");
    return cell;
  })); // prettier-ignore
}

function mark(state, row, column) {
  const at = state.result.columns.findIndex(({ name }) => name === column);
  if (row === null || row === undefined || at < 0 || row >= state.result.rows.length) {
    state.marked = null;
    draw(state);
    return null;
  }
  state.marked = { row, at };
  state.all ||= state.order.indexOf(row) >= FIRST_ROWS;
  draw(state);
  return state.body.querySelector(".marked");
}
