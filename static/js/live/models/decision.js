// One decision in full: what was asked, who could have won at what score, why the others did not, and the features as served.

import { button, make } from "../kit/dom.js";
import { NOTHING } from "../kit/format.js";
import { table } from "../kit/table.js";
import { Trouble, read } from "./fetched.js";
import { badge, facts, known, perThousand, plain } from "./words.js";

export function decisionOf(told, context) {
  const close = button("Close", () => context.state.set({ decision: "" }));
  const head = make("div", "section-head", make("h3", "", `${told.of === "ads" ? "Ad decision" : "The Director's decision"} of ${context.write.day(told.at)} ${context.write.clock(told.at)} UTC`), make("p", "muted", told.id), close);
  if (told.admin) head.append(Object.assign(make("a", "text-link", "In the admin"), { href: told.admin }));
  return make("article", "decision-card", head, ...(told.of === "ads" ? ofAds(told, context) : ofDirector(told, context)));
}

function definition(pairs) {
  const list = make("dl", "facts");
  facts(list, pairs);
  return list;
}

// A table in a section of its own: a reader may sort and save each.
function listed(title, spec, rows) {
  const section = make("section", "listed", make("h3", "", title));
  table(section, { caption: title, ...spec }).draw(rows);
  return section;
}

const answered = ({ versions, model_ids: ids }, { state }) => {
  const line = make("p", "answered", make("span", "muted", "Answered by "));
  const known_versions = Object.entries(versions).filter(([, number]) => number);
  known_versions.forEach(([kind, number]) => line.append(ids[kind] ? button(`${plain(kind)} v${number}`, () => (state.set({ kind, version: String(ids[kind]) }), scrollTo({ top: 0 })), "text-link") : `${plain(kind)} v${number}`, " "));
  if (!known_versions.length) line.append("no model");
  return line;
};

function said(value, name, write) {
  if (!known(value) || value === "" || (Array.isArray(value) && !value.length)) return null;
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (name === "reserve_micros") return `${perThousand(write, value)} a thousand`;
  if (name === "duration") return `${value} s`;
  return typeof value === "number" ? write.number(value) : plain(value);
}

function features(list, title = "Features as served") {
  const rows = list.filter((one) => one.words !== "not known");
  const left = list.length - rows.length;
  const section = listed(title, {
    columns: [
      { key: "name", label: "Feature", text: (row) => make("span", "", plain(row.name), row.about ? make("small", "muted block", row.about) : "") },
      { key: "value", label: "As served", text: (row) => row.words },
      { key: "privacy", label: "Privacy", text: (row) => (row.privacy === "consent" ? badge("consent", "warn") : "context") },
    ],
    key: (row) => row.name,
    most: 14,
  }, rows);
  if (left) section.append(make("p", "muted small", `${left} more were not known then.`));
  return section;
}

// Advertising

function ofAds(told, context) {
  const { write } = context;
  const facts_of = definition([
    ["Title", told.title], ["Took", write.ms(told.milliseconds)], ["Arm", told.arm || null], ["Viewer", told.synthetic ? "synthetic" : "live"],
    ["Viewer id", told.viewer], ["Session", told.session], ["Inventory", String(told.inventory_version)],
    ...told.asked.map(([name, value]) => [plain(name.replace(/_micros$/, "")), said(value, name, write)]),
  ]);
  const replay = make("p", "", badge(told.replay.same === null ? "Not repeatable" : told.replay.same ? "The same again" : "Differs", told.replay.same === null ? "info" : told.replay.same ? "good" : "bad"), ` ${told.replay.words}`);
  const empty = told.unfilled ? [make("p", "", badge("Empty", "warn"), ` ${told.unfilled.seconds} s stayed empty: ${told.unfilled.words}.`)] : [];
  const persons = told.persons ? [] : [make("p", "muted small", "Who watched, and what only their consent made known, is told to those who may read decisions in the admin.")];
  return [answered(told, context), facts_of, replay, ...empty, ...persons, candidates(told, write), others(told), ...told.won.map((slot) => won(slot, told, context))];
}

function candidates({ candidates: rows, eligible, considered }, write) {
  return listed(`Candidates: ${eligible} of ${considered} ads were eligible`, {
    columns: [
      { key: "name", label: "Ad", text: (row) => make("span", "", row.name, make("small", "muted block", `${row.advertiser}, ${row.campaign}, flight ${row.flight}`)) },
      { key: "words", label: "What became of it", wide: true },
      { key: "score", label: "Score", text: (row) => perThousand(write, row.score) },
      { key: "value_micros", label: "Worth", text: (row) => perThousand(write, row.value_micros) },
      { key: "quality", label: "Quality", text: (row) => write.value(row.quality, "number") },
      { key: "multiplier", label: "Pacing", text: (row) => Object.assign(make("span", "", write.value(row.multiplier, "number")), { title: row.pacing }) },
      { key: "price_micros", label: "Pays", text: (row) => perThousand(write, row.price_micros) },
      { key: "pctr", label: "pCTR", text: (row) => write.value(row.pctr, "share") },
      { key: "pvcr", label: "pVCR", text: (row) => write.value(row.pvcr, "share") },
      { key: "propensity", label: "Chance", text: (row) => write.value(row.propensity, "share") },
    ],
    key: (row) => row.ad,
    most: 8,
    empty: "No ad was eligible.",
  }, rows);
}

function others({ others: rows }) {
  return listed("Not in the running", {
    columns: [
      { key: "words", label: "Why" },
      { key: "n", label: "Ads", unit: "count" },
      { key: "ads", label: "Which", wide: true, value: (row) => row.ads.join(", "), text: (row) => `${row.ads.join(", ")}${row.n > row.ads.length ? ` and ${row.n - row.ads.length} more` : ""}` },
    ],
    key: (row) => row.reason,
    empty: "Every ad was.",
  }, rows);
}

function won(slot, told, context) {
  const { write } = context;
  const parts = make("div", "parts");
  const section = make("section", "slot", make("h3", "", `Slot ${slot.slot + 1}: ${slot.name}`));
  section.append(definition([
    ["Campaign", `${slot.campaign_name}, ${slot.advertiser_name}, flight ${slot.flight}`], ["Worth per thousand", perThousand(write, slot.value_micros)],
    ["Pays per thousand", perThousand(write, slot.price_micros)], ["Charged", slot.pricing?.toUpperCase()], ["Predicted clicks", write.value(slot.pctr, "share")],
    ["Predicted completion", write.value(slot.pvcr, "share")], ["Chance of this ad", slot.randomised ? write.value(slot.propensity, "share") : "certain"],
    ["Drawn by chance", slot.explored ? "yes: pays the reserve" : "no"], ["In shadow", slot.shadow ? `v${slot.shadow.version}: ${write.share(slot.shadow.pctr)}` : null],
  ]));
  for (const [kind, id] of Object.entries(told.model_ids)) section.append(button(`What each feature added (${plain(kind)})`, () => takeApart(parts, id, `${told.id}/${slot.slot + 1}`, context)));
  section.append(parts, slot.trouble ? make("p", "live-notice", slot.trouble) : features(slot.features));
  return section;
}

async function takeApart(place, version, row, { url }) {
  try {
    const told = await read(`${url}versions/${version}/explain.json?row=${encodeURIComponent(row)}`);
    const withheld = told.withheld ? [make("p", "muted small", `${told.withheld} features that take consent are not told to you.`)] : [];
    place.replaceChildren(
      make("p", "", `Predicted ${told.prediction}; in log-odds from ${told.base}, each feature adding:`),
      listed("What each feature added", {
        columns: [
          { key: "feature", label: "Feature" },
          { key: "about", label: "Was" },
          { key: "added", label: "Added", text: (one) => `${one.added > 0 ? "+" : ""}${one.added.toFixed(4)}` },
        ],
        key: (one) => one.feature,
      }, told.bars),
      ...withheld,
    );
  } catch (trouble) {
    place.replaceChildren(make("p", "live-notice", trouble instanceof Trouble ? trouble.message : "The server does not answer; try again in a moment."));
  }
}

// The Director

function ofDirector(told, context) {
  const { write } = context;
  const facts_of = definition([
    ["Title", told.title], ["Scene on screen", told.scene], ["Then plays", told.following], ["Place", String(told.place)], ["When", told.trigger], ["Arm", told.arm || null],
    ["Will be watched", write.value(told.engagement, "share")], ["Chance of leaving", write.value(told.leave_risk, "share")], ["Gain per thousand", perThousand(write, told.gain_micros)],
    ["Sure to gain per thousand", perThousand(write, told.gain_low_micros)], ["Chance of this action", write.value(told.propensity, "share")], ["Took", write.ms(told.milliseconds)],
    ["Viewer", told.synthetic ? "synthetic" : "live"], ["Viewer id", told.viewer], ["Session", told.session],
  ]);
  const persons = told.persons ? [] : [make("p", "muted small", "Whose session it was, and what only their consent made known, is told to those who may read the Director's decisions in the admin.")];
  return [
    answered(told, context), make("p", "", make("strong", "", told.happened), ` ${told.reason}`), make("p", "", told.came_of_it), facts_of, ...persons,
    options(told, write), features(told.features), ...told.options.filter(({ taken }) => taken).map((one) => features(one.features, `Features of what was done: ${one.action}`)),
  ];
}

function options({ options: rows }, write) {
  const state = (row) => [row.taken && "taken", row.intended && !row.taken && "would have been taken", row.allowed === false && "not allowed here", row.proven === false && known(row.gain_low_micros) && "not tried enough"].filter(Boolean).join(", ") || NOTHING;
  return listed("What could have been done", {
    columns: [
      { key: "action", label: "Action", text: (row) => make("span", "", row.action, make("small", "muted block", [row.name, row.mood, row.cut === "tight" && "tight cut"].filter(Boolean).join(", "))) },
      { key: "state", label: "Came to", value: state },
      { key: "expected", label: "Will be watched", text: (row) => write.value(row.expected, "share") },
      { key: "now_micros", label: "Now, per thousand", text: (row) => perThousand(write, row.now_micros) },
      { key: "later_micros", label: "Later, per thousand", text: (row) => perThousand(write, row.later_micros) },
      { key: "gain_micros", label: "Gain, per thousand", text: (row) => perThousand(write, row.gain_micros) },
      { key: "gain_low_micros", label: "Surely", text: (row) => perThousand(write, row.gain_low_micros) },
      { key: "propensity", label: "Chance", text: (row) => write.value(row.propensity, "share") },
    ],
    key: (row) => `${row.action}${row.name}${row.cut}${row.moved}`,
    empty: "Nothing else was open.",
  }, rows);
}
