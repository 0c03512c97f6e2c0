// The feed and the campaigns. Rows keep their element while their key stays, so that a reader's focus is never lost to a tick.

const KINDS = { budget: "Budget", director: "Director", model: "Model", unfilled: "No ad" };

function text(tag, className, content) {
  return Object.assign(document.createElement(tag), { className, textContent: content });
}

export function feed(write, mayOpen) {
  const list = document.getElementById("feed");
  const kept = new Map();
  return (items) => {
    if (!items.length) {
      kept.clear();
      list.replaceChildren(text("li", "muted", "Nothing notable in the last ten minutes"));
      return;
    }
    const rows = items.map((item) => {
      const signature = JSON.stringify(item);
      const old = kept.get(item.key);
      return old?.signature === signature ? [item.key, old] : [item.key, { signature, element: feedRow(item, write, mayOpen) }];
    });
    const same = rows.length === kept.size && rows.every(([key, row]) => kept.get(key) === row);
    if (same) return;
    kept.clear();
    rows.forEach(([key, row]) => kept.set(key, row));
    list.replaceChildren(...rows.map(([, row]) => row.element));
  };
}

function feedRow(item, write, mayOpen) {
  const row = text("li", "feed-item", "");
  row.dataset.kind = item.kind;
  const head = text("p", "feed-head", "");
  const when = text("time", "feed-time", write.minute(item.at));
  when.dateTime = item.at;
  head.append(text("span", "feed-kind", KINDS[item.kind] || item.kind), when);
  const words = text("p", "feed-words", "");
  words.append(mayOpen && item.link ? Object.assign(text("a", "", item.text), { href: item.link }) : item.text);
  row.append(head, words);
  if (item.detail) row.append(text("p", "feed-detail", item.detail));
  return row;
}

export function campaigns(write, mayOpen) {
  const body = document.querySelector("#campaigns tbody");
  let shown = "";
  return (rows) => {
    const signature = JSON.stringify(rows);
    if (signature === shown) return;
    shown = signature;
    if (!rows.length) {
      const cell = text("td", "muted", "No delivery yet today");
      cell.colSpan = 4;
      const row = document.createElement("tr");
      row.append(cell);
      body.replaceChildren(row);
      return;
    }
    const most = Math.max(...rows.map((row) => row.revenue), 1);
    body.replaceChildren(...rows.map((row) => campaignRow(row, most, write, mayOpen)));
  };
}

function campaignRow(campaign, most, write, mayOpen) {
  const row = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.append(mayOpen && campaign.link ? Object.assign(text("a", "", campaign.name), { href: campaign.link }) : campaign.name);
  const bar = text("span", "bar", "");
  bar.style.setProperty("--part", campaign.revenue / most);
  name.append(bar);
  const ctr = campaign.impressions ? write.share(campaign.clicks / campaign.impressions) : "–";
  row.append(name, text("td", "", write.money(campaign.revenue)), text("td", "", write.count(campaign.impressions)), text("td", "", ctr));
  return row;
}

export function models(write, mayOpen) {
  const list = document.getElementById("models");
  let shown = "";
  return (rows) => {
    const signature = JSON.stringify(rows);
    if (signature === shown) return;
    shown = signature;
    if (rows.length) list.replaceChildren(...rows.map((row) => modelRow(row, write, mayOpen)));
    else list.replaceChildren(text("li", "muted", "No model is trained yet: ads are ranked by the prior"));
  };
}

function modelRow(model, write, mayOpen) {
  const row = document.createElement("li");
  const name = text("p", "model-name", "");
  name.append(mayOpen && model.link ? Object.assign(text("a", "", model.name), { href: model.link }) : model.name);
  row.append(name);
  const { figure } = model;
  const known = (value) => value !== null && value !== undefined;
  if (figure && known(figure.value)) {
    const interval = known(figure.ci_low) && known(figure.ci_high) ? ` (${figure.ci_low.toFixed(3)} – ${figure.ci_high.toFixed(3)})` : "";
    const constant = known(figure.baseline) ? ` against ${figure.baseline.toFixed(3)}` : "";
    row.append(text("p", "model-figure", `${figure.name} ${figure.value.toFixed(3)}${interval}${constant}`));
  }
  const trained = model.trained_at ? `, trained ${model.trained_at.slice(0, 10)} ${write.minute(model.trained_at)}` : "";
  row.append(text("p", "model-detail", `${model.estimator}${trained}, ${write.share(model.synthetic)} synthetic data`));
  return row;
}
