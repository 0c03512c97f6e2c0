// One row a finding. A row keeps its element while nothing of it changes, so that a reader's focus and open details stay.

import { make } from "../kit/dom.js";
import { post } from "./buttons.js";

const NONE = { open: "Nothing to look at: no detector found anything beyond chance.", lately: "Nothing in the last seven days." };
const BECAME = { done: "Done", dismissed: "Dismissed", gone: "No longer so" };
const SEVERITY = { critical: "▲ Critical", warning: "◆ Warning", note: "● Note" };

/** ``draw(rows, kinds)`` into ``list``. */
const keeping = (list, nothing, element) => {
  let kept = new Map();
  return (rows, kinds) => {
    const next = new Map();
    for (const row of rows) {
      const signature = JSON.stringify(row);
      const old = kept.get(row.key);
      next.set(row.key, old?.signature === signature ? old : { signature, element: taking(old?.element, element(row, kinds)) });
    }
    const elements = [...next.values()].map((one) => one.element);
    const same = elements.length === list.children.length && elements.every((one, at) => one === list.children[at]);
    kept = next;
    if (!elements.length) list.replaceChildren(make("li", "muted", nothing));
    else if (!same) list.replaceChildren(...elements);
  };
};

// What the reader had opened stays open when the figures change.
function taking(old, fresh) {
  if (old?.querySelector("details")?.open) fresh.querySelector("details").open = true;
  return fresh;
}

export const opened = (list, context) =>
  keeping(list, NONE.open, (row, kinds) => {
    const element = shell(row, kinds, context, `since ${context.write.moment(row.since)} UTC`);
    element.append(make("p", "insight-do", row.recommend), details(row, context), tools(row, context));
    return element;
  });

export const lately = (list, context) =>
  keeping(list, NONE.lately, (row, kinds) => {
    const by = row.by ? ` by ${row.by}` : "";
    const element = shell(row, kinds, context, `${BECAME[row.state]}${by}, ${context.write.moment(row.at)} UTC`);
    if (row.outcome) element.append(make("p", "insight-do", row.outcome));
    if (row.state === "dismissed" && context.may.has("insights.dismiss_insight")) {
      element.append(make("p", "insight-tools", post({ action: `${context.base}${row.id}/restore/`, label: "Undo", said: "It is back among what to look at." })));
    }
    return element;
  });

function shell(row, kinds, { write }, when) {
  const element = make("li", "insight");
  Object.assign(element.dataset, { key: row.key, id: row.id, severity: row.severity });
  const made = row.synthetic ? make("span", "", `${write.share(row.synthetic)} synthetic audience`) : null;
  const head = make("p", "insight-head", make("span", "insight-severity", SEVERITY[row.severity]), make("span", "", kinds[row.kind] ?? row.kind), make("span", "", when), made);
  const money = make("span", "insight-money", row.money === null ? "–" : write.money(row.money));
  money.title = row.money_how;
  element.append(head, make("div", "insight-line", make("h3", "", row.words), money));
  return element;
}

function details(row, { write }) {
  const box = make("details", "", make("summary", "", "Figures"), make("p", "", row.detail));
  box.append(make("p", "", `At stake: ${row.money === null ? "–" : write.money(row.money)}. ${row.money_how}`));
  box.append(make("p", "muted", `About ${write.moment(row.valid_from)} to ${write.moment(row.valid_to)} UTC.`));
  return box;
}

function tools(row, { may, staff, base }) {
  const box = make("div", "insight-tools");
  const { action } = row;
  if (action && may.has(action.permission)) {
    box.append(post({ action: `${base}${row.id}/act/`, label: action.button, confirm: `${action.says} This is written to the audit log under your name.`, quiet: false }));
  }
  if (may.has("insights.dismiss_insight")) {
    box.append(post({ action: `${base}${row.id}/dismiss/`, label: "Dismiss", said: "Dismissed: it comes back only if it gets materially worse.", undo: `${base}${row.id}/restore/` }));
  }
  box.append(link("Evidence", row.link));
  if (staff && row.rows) box.append(link("Rows in the admin", row.rows));
  return box;
}

const link = (words, href) => Object.assign(make("a", "", words), { href });
