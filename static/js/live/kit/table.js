// A table whose rows keep their element while their key stays, sortable by its heads, exported as CSV.

import { saveCsv } from "./download.js";
import { button, make, save, setText } from "./dom.js";
import { pageWriter } from "./format.js";
import { sectionHead } from "./section.js";
import { sorted } from "./sorting.js";

/**
 * ``section``: the element, or the ID of ``<section data-table="ID"><h2>..``. ``spec``:
 * - ``columns``: [{key, label, unit?, text?(row) -> string or Node, value?(row) for order and CSV, before?: key of the baseline, bar?: true, title?, wide?}];
 *   the first is the row's head, and links to ``link(row)`` where there is one
 * - ``key(row)``: what stays the same about a row; ``link?(row)``; ``sort?: {by, descending}`` (else as they come); ``empty``: words; ``caption?``; ``most?``: rows shown
 */
export function table(section, spec) {
  const element = typeof section === "string" ? document.querySelector(`[data-table="${section}"]`) : section;
  const { tools, title } = sectionHead(element);
  const state = { spec, rows: [], kept: new Map(), sort: spec.sort ? { ...spec.sort } : null, heads: new Map() };
  state.body = make("tbody");
  state.empty = make("p", "muted figure-nothing", "Waiting for the first figures");
  state.grid = make("table", "grid", make("caption", "visually-hidden", spec.caption ?? title), head(state), state.body);
  state.more = button("", () => ((state.all = !state.all), draw(state)), "button quiet small no-print");
  state.more.hidden = true;
  element.append(make("div", "scroll-x", state.grid), state.empty, state.more);
  tools.append(save("CSV", title, () => saveCsv(plainRows(state), title)));
  return {
    draw: (rows) => {
      state.rows = rows ?? [];
      draw(state);
    },
  };
}

function head(state) {
  const row = make("tr");
  for (const column of state.spec.columns) {
    const cell = make("th");
    cell.scope = "col";
    if (column.title) cell.title = column.title;
    if (column.wide) cell.dataset.wide = "yes";
    if (column.sortable === false) cell.textContent = column.label;
    else cell.append(button(column.label, () => sortBy(state, column), "sort"));
    state.heads.set(column.key, cell);
    row.append(cell);
  }
  return make("thead", "", row);
}

function sortBy(state, column) {
  const text = typeof valueOf(column)(state.rows[0] ?? {}) === "string";
  const again = state.sort?.by === column.key;
  state.sort = { by: column.key, descending: again ? !state.sort.descending : !text };
  draw(state);
}

const valueOf = (column) => column.value ?? ((row) => row[column.key]);

function inOrder({ spec, sort, rows }) {
  const column = sort && spec.columns.find((one) => one.key === sort.by);
  return column ? sorted(rows, valueOf(column), sort.descending) : rows;
}

function draw(state) {
  const { spec, kept, body } = state;
  for (const [key, cell] of state.heads) {
    const way = state.sort?.by === key ? (state.sort.descending ? "descending" : "ascending") : null;
    if (way) cell.setAttribute("aria-sort", way);
    else cell.removeAttribute("aria-sort");
  }
  const rows = inOrder(state);
  const shown = state.all || !spec.most ? rows : rows.slice(0, spec.most);
  const most = Object.fromEntries(spec.columns.filter((column) => column.bar).map((column) => [column.key, Math.max(0, ...rows.map((row) => valueOf(column)(row) ?? 0))]));
  const keys = new Set(shown.map((row) => String(spec.key(row))));
  for (const [key, element] of kept) {
    if (!keys.has(key)) kept.delete(key) && element.remove();
  }
  shown.forEach((row, at) => {
    const key = String(spec.key(row));
    if (!kept.has(key)) kept.set(key, make("tr"));
    const element = kept.get(key);
    fill(element, row, spec, most);
    if (body.rows[at] !== element) body.insertBefore(element, body.rows[at] ?? null);
  });
  state.grid.hidden = !rows.length;
  setText(state.empty, spec.empty ?? "Nothing here yet");
  state.empty.hidden = Boolean(rows.length);
  state.more.hidden = !spec.most || rows.length <= spec.most;
  setText(state.more, state.all ? "Show fewer" : `Show all ${rows.length}`);
}

function fill(element, row, spec, most) {
  spec.columns.forEach((column, at) => {
    const content = text(column, row);
    const signature = typeof content === "string" ? content : content.outerHTML;
    let cell = element.cells[at];
    if (!cell) {
      cell = make(at ? "td" : "th");
      if (!at) cell.scope = "row";
      if (column.wide) cell.dataset.wide = "yes";
      element.append(cell);
    }
    const href = at ? null : (spec.link?.(row) ?? null);
    const mark = `${href ?? ""}|${signature}`;
    if (cell.drawn !== mark) {
      cell.drawn = mark;
      cell.replaceChildren(href ? Object.assign(make("a", "", content), { href }) : content);
      if (column.bar) cell.append(make("span", "bar"));
    }
    if (column.bar) cell.lastElementChild.style.setProperty("--part", most[column.key] ? Math.max(0, valueOf(column)(row) ?? 0) / most[column.key] : 0);
  });
}

function text(column, row) {
  if (column.text) return column.text(row);
  const value = valueOf(column)(row);
  const words = column.unit ? pageWriter().value(value, column.unit) : String(value ?? "–");
  if (!column.before) return words;
  const change = pageWriter().delta(value, row[column.before], column.unit);
  if (!change) return words;
  const sign = make("span", "change", ` ${change.sign > 0 ? "▲" : change.sign < 0 ? "▼" : "="} ${change.text}`);
  sign.dataset.sign = change.sign;
  return make("span", "", words, sign);
}

function plainRows(state) {
  const { columns } = state.spec;
  const name = ({ label, unit }) => (unit && unit !== "count" ? `${label} (${unit === "money" ? "micros" : unit})` : label);
  return [columns.map(name), ...inOrder(state).map((row) => columns.map((column) => plain(column, row)))];
}

function plain(column, row) {
  const value = valueOf(column)(row);
  if (value !== undefined && typeof value !== "object") return value;
  const shown = column.text?.(row) ?? "";
  return typeof shown === "string" ? shown : shown.textContent;
}
