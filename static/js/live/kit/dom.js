// Elements in a line each; and text that is only written where it changed, so that a reader's place is never lost to a tick.

export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** ``name`` is what a screen reader calls it, where its label stands on many. */
export function button(label, onClick, className = "button quiet small", name = "") {
  const element = make("button", className, label);
  if (name) element.setAttribute("aria-label", name);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** Saves what stands under ``title`` as a file of that kind. */
export const save = (kind, title, onClick) => button(kind, onClick, "button quiet small", `${kind} of ${title}`);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make ``body`` hold ``rows`` (texts, the first of each its head), keeping every cell that stays. */
export function patchRows(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((texts, at) => {
    const row = body.rows[at] ?? body.insertRow();
    while (row.cells.length > texts.length) row.deleteCell(-1);
    texts.forEach((text, column) => {
      let cell = row.cells[column];
      if (!cell) {
        cell = make(column ? "td" : "th");
        if (!column) cell.scope = "row";
        row.append(cell);
      }
      setText(cell, text);
    });
  });
}
