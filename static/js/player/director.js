// The Director as the viewer sees it: the meter, what comes next, and what was decided with its reason.

const KEEP_DECISIONS = 8;
const TOAST_SECONDS = 7;
const ACTIONS = {
  keep: "Kept the order",
  tighten: "Tightened a scene",
  bring_forward: "Brought a scene forward",
  linger: "Let a scene linger",
  move_break: "Moved the ad break",
  suggest: "Suggests another film",
};

export class DirectorView {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.decided = [];
    this.names = new Map();
  }

  toggle() {
    const panel = this.part("director");
    panel.hidden = !panel.hidden;
    this.part("director-toggle").setAttribute("aria-expanded", String(!panel.hidden));
  }

  engagement({ value, low, high, model_version: version, ms }) {
    const percent = (share) => `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`;
    this.part("engagement-value").textContent = percent(value).replace("%", " %");
    this.part("engagement-mark").style.left = percent(value);
    const band = this.part("engagement-band");
    band.style.left = percent(low ?? value);
    band.style.width = percent(Math.max(0.01, (high ?? value) - (low ?? value)));
    const between = low === undefined || low === null ? "" : ` Probably between ${percent(low)} and ${percent(high)}.`;
    const model = version ? `model ${version}` : "prior, no model trained yet";
    this.part("engagement-words").textContent =
      `Of what comes next, this share is expected to be watched.${between} ${model}${ms === undefined ? "" : `, ${Number(ms).toFixed(1)} ms`}.`;
  }

  decision({ action, reason, scene, ms }) {
    const what = ACTIONS[action] ?? String(action).replaceAll("_", " ");
    const name = this.names.get(scene);
    this.decided.unshift({ what: name ? `${what}: ${name}` : what, reason, ms });
    this.decided.length = Math.min(this.decided.length, KEEP_DECISIONS);
    this.part("decisions").replaceChildren(...this.decided.map(line));
    if (action !== "keep") this.toast(name ? `${what}: ${name}` : what, reason);
  }

  /** The plan as it stands, with the scene on screen marked. */
  plan(timeline, current) {
    const stretches = [...timeline.items, ...timeline.foreseen];
    for (const stretch of stretches) if (stretch.kind === "scene") this.names.set(stretch.id, stretch.name);
    const rows = [];
    let scenes = 0;
    const without = (place) => timeline.leftOut.filter((one) => one.after === place).map(leftOut);
    rows.push(...without(0));
    for (const stretch of stretches) {
      const isAd = stretch.kind !== "scene";
      if (isAd && rows.at(-1)?.dataset.kind === "break") continue;
      const item = document.createElement("li");
      item.dataset.kind = isAd ? "break" : "scene";
      item.textContent = isAd ? "Ad break" : stretch.name;
      item.classList.toggle("is-open", !("cut" in stretch));
      item.classList.toggle("is-on", stretch === current || (isAd && current?.kind === "ad" && current.break_id === stretch.break_id));
      if (stretch.cut === "tight") item.append(small("tight cut"));
      if (!isAd && stretch.reason) item.append(small(stretch.reason));
      rows.push(item);
      if (!isAd) rows.push(...without((scenes += 1)));
    }
    this.part("plan").replaceChildren(...rows);
  }

  toast(title, words) {
    const toast = document.createElement("div");
    toast.className = "toast";
    const strong = document.createElement("strong");
    strong.textContent = title;
    const text = document.createElement("span");
    text.textContent = words ?? "";
    toast.append(strong, text);
    this.part("toasts").append(toast);
    setTimeout(() => toast.remove(), TOAST_SECONDS * 1000);
  }
}

/** A break that the title's ad policy leaves out. */
function leftOut({ reason }) {
  const item = document.createElement("li");
  item.dataset.kind = "left-out";
  item.textContent = "No ads here";
  item.append(small(reason));
  return item;
}

function line({ what, reason, ms }) {
  const item = document.createElement("li");
  const strong = document.createElement("strong");
  strong.textContent = what;
  const words = document.createElement("span");
  words.textContent = reason ?? "";
  item.append(strong, words);
  if (ms !== undefined) item.append(small(`decided in ${Number(ms).toFixed(1)} ms`));
  return item;
}

function small(text) {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}
