// What just happened, what stands out, and the models in use. Rows keep their element while their key stays, so that a reader's focus is never lost to a tick.

import { make } from "./kit/dom.js";

const KINDS = { behind: "Behind", budget: "Budget", ctr: "Click rate", director: "Director", experiment: "Experiment", model: "Model", unfilled: "No ad" };
const known = (value) => value !== null && value !== undefined;

/** A link that this person can open: the admin is for staff. */
export const opens = (page, link) => (link && (page.evidence || !link.startsWith("/admin/")) ? link : null);

function linked(page, words, link) {
  const href = opens(page, link);
  return href ? Object.assign(make("a", "", words), { href }) : words;
}

/** ``draw(items)``: one element for each item by ``keyOf``, made anew only where the item changed. */
function kept(list, keyOf, row, nothing) {
  const there = new Map();
  return (items) => {
    if (!items.length) {
      there.clear();
      list.replaceChildren(make("li", "muted", nothing));
      return;
    }
    const rows = items.map((item) => {
      const signature = JSON.stringify(item);
      const old = there.get(keyOf(item));
      return [keyOf(item), old?.signature === signature ? old : { signature, element: row(item) }];
    });
    const same = rows.length === there.size && rows.every(([key, one]) => there.get(key) === one);
    if (same) return;
    there.clear();
    rows.forEach(([key, one]) => there.set(key, one));
    list.replaceChildren(...rows.map(([, one]) => one.element));
  };
}

export function feed(page) {
  return kept(document.getElementById("feed"), (item) => item.key, (item) => feedRow(item, page), "Nothing notable in the last ten minutes");
}

function feedRow(item, page) {
  const when = make("time", "feed-time", page.write.minute(item.at));
  when.dateTime = item.at;
  const head = make("p", "feed-head", make("span", "feed-kind", KINDS[item.kind] ?? item.kind), when);
  const row = make("li", "feed-item", head, make("p", "feed-words", linked(page, item.text, opens(page, item.link) ?? item.page)));
  row.dataset.kind = item.kind;
  if (item.detail) row.append(make("p", "feed-detail", item.detail));
  return row;
}

const MOST_INSIGHTS = 5;

export function insights(page) {
  const draw = kept(document.getElementById("insights"), (one) => one.id, (one) => insightRow(one, page), "Nothing stands out just now");
  return (snapshot) => draw(snapshot.open.slice(0, MOST_INSIGHTS));
}

function insightRow(one, page) {
  const money = known(one.money) && make("span", "feed-time", `${page.write.money(one.money)} at stake`);
  const row = make("li", "feed-item", make("p", "feed-head", make("span", "feed-kind", one.subject), money || ""), make("p", "feed-words", linked(page, one.words, one.link)));
  row.dataset.severity = one.severity;
  if (one.recommend) row.append(make("p", "feed-detail", one.recommend));
  return row;
}

export function models(page) {
  const card = document.getElementById("models");
  const draw = kept(card, (model) => model.name, (model) => modelRow(model, page), "No model is trained yet: ads are ranked by the prior");
  return (rows, scope) => {
    // Models are judged over all traffic: narrowed there is nothing to say, which is not the same as no model.
    card.closest("section").hidden = !rows.length && Object.keys(scope ?? {}).length > 0;
    draw(rows);
  };
}

function modelRow(model, page) {
  const { write } = page;
  const { figure } = model;
  const row = make("li", "", make("p", "model-name", linked(page, model.name, model.link)));
  if (figure && known(figure.value)) {
    const interval = known(figure.ci_low) && known(figure.ci_high) ? ` (${figure.ci_low.toFixed(3)} – ${figure.ci_high.toFixed(3)})` : "";
    const constant = known(figure.baseline) ? ` against ${figure.baseline.toFixed(3)}` : "";
    row.append(make("p", "model-figure", `${figure.name} ${figure.value.toFixed(3)}${interval}${constant}`));
  }
  const trained = model.trained_at ? `, trained ${model.trained_at.slice(0, 10)} ${write.minute(model.trained_at)}` : "";
  row.append(make("p", "model-detail", `${model.estimator}${trained}, ${write.share(model.synthetic)} synthetic data`));
  return row;
}
