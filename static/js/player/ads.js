// What is shown while an ad plays: which of how many, how long, when it may be skipped, and why it was chosen.
import { countdown } from "./timeline.js";

const PRICED = { cpm: "an impression", cpcv: "a completed view", cpc: "a click" };
const TIERS = {
  sponsorship: "A sponsorship: a share of the breaks it matches",
  standard: "A guaranteed number of deliveries",
  price_priority: "Whatever is left, for the best price",
  house: "A house ad: fills what nobody bought",
};
const SHOWN_CANDIDATES = 12;

export class AdView {
  constructor(root) {
    this.root = root;
    this.money = new Intl.NumberFormat("en", { style: "currency", currency: root.dataset.currency, minimumFractionDigits: 2, maximumFractionDigits: 4 });
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.item = null;
  }

  render(item, t) {
    this.part("ad-bar").hidden = !item;
    if (item !== this.item) this.begin(item);
    if (!item) return;
    this.part("ad-count").textContent = `${item.n} of ${item.of} · ${countdown(item.t1 - t)}`;
    this.renderSkip(item, t);
  }

  begin(item) {
    this.item = item;
    this.skipWords = null;
    if (!item) return;
    this.part("ad-name").textContent = item.advertiser ?? item.name;
    this.part("ad-headline").textContent = item.headline ?? "";
    this.part("ad-headline").hidden = !item.headline;
    const link = this.part("ad-click");
    link.hidden = !item.click;
    link.href = `/t/click/${item.token}`;
    link.setAttribute("aria-label", `Visit ${item.advertiser ?? "the advertiser"} in a new tab`);
    this.part("ad-skip").hidden = !skippable(item);
  }

  renderSkip(item, t) {
    if (!skippable(item)) return;
    const left = Math.ceil(item.skip_after - (t - item.t0) - 0.02);
    const words = left > 0 ? `Skip in ${left}` : "Skip ad";
    if (words === this.skipWords) return;
    this.skipWords = words;
    this.part("ad-skip").textContent = words;
    this.part("ad-skip").disabled = left > 0;
  }

  /** Whether the ad on screen may be skipped at t. */
  maySkip(t) {
    return Boolean(this.item) && skippable(this.item) && t - this.item.t0 >= this.item.skip_after - 0.02;
  }

  /** Fills the "Why this ad?" panel from the decision's explanation. */
  explain(item, why) {
    const body = this.part("why-body");
    if (!why) {
      body.replaceChildren(paragraph("The explanation cannot be fetched just now. Try again in a moment."));
      return;
    }
    const candidates = why.candidates ?? [];
    const own = candidates.find((candidate) => candidate.ad === item.id && candidate.slot !== null) ?? candidates.find((candidate) => candidate.ad === item.id);
    body.replaceChildren(
      heading(item.name, `${item.advertiser ?? ""}${item.campaign ? ` · ${item.campaign}` : ""}`),
      verdict(own?.words ?? "Chosen for this break"),
      this.facts(item, own, why),
      this.consent(why),
      this.list(candidates),
      others(why.others ?? {}, why.words ?? {}),
    );
  }

  facts(item, own, why) {
    const price = own?.price_micros ?? item.price_micros;
    return definitions([
      ["Predicted click rate", share(own?.pctr ?? item.pctr)],
      ["Predicted to be watched through", own?.pvcr === undefined ? null : share(own.pvcr)],
      ["Sold as", TIERS[own?.tier] ?? null],
      ["Pacing", paced(own?.pacing)],
      ["Price", price === null || price === undefined ? null : `${this.money.format(price / 1e6)} ${PRICED[own?.pricing] ?? ""}`.trim() + bidding(own)],
      ["Chosen among", why.considered === undefined ? null : `${why.eligible} eligible of ${why.considered} ads`],
      ["This break", broke(why)],
      ["Decided in", why.milliseconds === undefined ? null : `${why.milliseconds.toFixed(1)} ms`],
    ]);
  }

  consent(why) {
    if (this.root.dataset.consent === "yes") return paragraph("This profile may be used to choose ads: age, gender, country, plan, hours, favourite genres, habits and history counted.");
    const codes = ["attribute_withheld", "caps_uncountable"];
    const withheld = codes.reduce((sum, code) => sum + (why.others?.[code]?.length ?? 0), 0) + (why.candidates ?? []).filter((candidate) => codes.includes(candidate.reason)).length;
    const left = withheld ? ` ${withheld} ad${withheld === 1 ? " was" : "s were"} left out because of that.` : "";
    return paragraph(`Not used for lack of consent: age, gender, plan, hours, favourite genres, habits, and what was watched before this playback.${left}`);
  }

  list(candidates) {
    const table = document.createElement("table");
    table.className = "candidates";
    const head = row("th", ["Ad", "Click rate", "Worth"]);
    const rows = candidates.slice(0, SHOWN_CANDIDATES).map((candidate) => {
      const line = row("td", [`${candidate.name}`, share(candidate.pctr), worth(candidate, this.money)]);
      const words = document.createElement("small");
      words.textContent = candidate.words ?? readable(candidate.reason);
      line.firstChild.append(words);
      line.classList.toggle("won", candidate.slot !== null && candidate.slot !== undefined);
      return line;
    });
    table.append(head, ...rows);
    return table;
  }
}

const skippable = (item) => item.skip_after !== null && item.skip_after !== undefined && item.skip_after < item.t1 - item.t0;
const share = (value) => (value === null || value === undefined ? null : `${(value * 100).toFixed(2)} %`);
const worth = (candidate, money) => (candidate.value_micros === undefined ? "" : money.format(candidate.value_micros / 1e6));
const readable = (code) => String(code).replaceAll("_", " ");

/** How far a flight is with what it was sold, and how many of its requests it is let into. */
function paced(pacing) {
  if (!pacing) return null;
  if (typeof pacing !== "object") return `${percent(pacing)} of its requests are let through`;
  const delivered = pacing.planned > 0 || pacing.delivered > 0 ? `; ${percent(pacing.delivered)} delivered, ${percent(pacing.planned)} planned by now` : "";
  return `${pacing.words ?? readable(pacing.reason)} (${percent(pacing.signal)} of its requests let through${delivered})`;
}

/** What set the price. */
function bidding(own) {
  if (!own) return "";
  if (own.tier === "house") return ", house ads cost nothing";
  if (own.reason === "explored") return ", the lowest price of this title: it is shown to learn how it does";
  return own.price_micros < Math.floor(own.value_micros) ? ", enough to beat the next best" : ", its full bid";
}

/** Which break it is, why it is shorter than usual, and how much of it stays empty. */
function broke(why) {
  const places = { pre: "Before the film", mid: "Within the film", post: "After the film" };
  const parts = [places[why.break?.position], why.break?.code ? `shortened: ${lower(why.break.reason)}` : null];
  if (why.unfilled?.seconds >= 1) parts.push(`${Math.round(why.unfilled.seconds)} s stay empty: ${lower(why.words?.[why.unfilled.reason] ?? readable(why.unfilled.reason))}`);
  return parts.filter(Boolean).join("; ") || null;
}

const percent = (value) => `${Math.round(value * 100)} %`;
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);

function others(groups, words) {
  const left = Object.entries(groups).filter(([, ads]) => ads.length);
  if (!left.length) return document.createDocumentFragment();
  const list = definitions(left.map(([code, ads]) => [words[code] ?? readable(code), String(ads.length)]));
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "The other ads, by reason";
  details.append(summary, list);
  return details;
}

function heading(text, small) {
  const element = document.createElement("h3");
  element.textContent = text;
  const under = document.createElement("small");
  under.textContent = small;
  element.append(under);
  return element;
}

function verdict(text) {
  const element = paragraph(text);
  element.className = "verdict";
  return element;
}

function paragraph(text) {
  const element = document.createElement("p");
  element.className = "small";
  element.textContent = text;
  return element;
}

function definitions(pairs) {
  const list = document.createElement("dl");
  for (const [term, value] of pairs) {
    if (value === null || value === undefined) continue;
    const name = document.createElement("dt");
    const words = document.createElement("dd");
    name.textContent = term;
    words.textContent = value;
    list.append(name, words);
  }
  return list;
}

function row(kind, cells) {
  const line = document.createElement("tr");
  for (const text of cells) {
    const cell = document.createElement(kind);
    cell.textContent = text ?? "";
    line.append(cell);
  }
  return line;
}
