// What the Director did, in words. Pure.

// What may have been done with a stretch of the film or at a boundary; ``mark`` names its sign in the bar.
const ACTIONS = {
  keep: { did: "Kept the plan", short: "As planned", mark: "" },
  tighten: { did: "Tightened a scene", short: "Tightened", mark: "tighten" },
  bring_forward: { did: "Brought a scene forward", short: "Brought forward", mark: "forward" },
  move_back: { did: "Moved a scene back", short: "Moved back", mark: "back" },
  linger: { did: "Let the film linger", short: "Added to linger", mark: "linger" },
  move_break: { did: "Moved the ad break", short: "Ad break moved", mark: "break" },
  shorten_break: { did: "Shortened the ad break", short: "Ad break shortened", mark: "break" },
  suggest: { did: "Suggested another film", short: "Suggestion", mark: "" },
};
/** What each sign in the bar stands for. */
export const LEGEND = [
  ["forward", "Brought forward"],
  ["back", "Moved back"],
  ["tighten", "Tightened"],
  ["linger", "Added to linger"],
  ["break", "Ad break moved or shortened"],
];
// The scene of these decisions is the one that was changed; of the others, the one that plays next.
const OF_A_SCENE = new Set(["tighten", "bring_forward", "linger"]);

const readable = (code) => String(code ?? "").replaceAll("_", " ");

export const shortName = (action) => ACTIONS[action]?.short ?? readable(action);
export const markOf = (action) => ACTIONS[action]?.mark ?? "";

/** What was decided, with the scene's name where it is about one: "Brought a scene forward: Yellow". */
export function headline({ action, scene, title }, names) {
  const did = ACTIONS[action]?.did ?? readable(action);
  const about = action === "suggest" ? title?.name : OF_A_SCENE.has(action) ? names.get(scene) : null;
  return about ? `${did}: ${about}` : did;
}

/** For the viewer's ears and for tooltips: what happened to a stretch of the film, and why. */
export function changeWords({ name, change, reason }) {
  const about = change.endsWith("_break") ? "" : `${name}. `;
  return `${about}${shortName(change)}${reason ? `: ${reason}` : ""}`;
}

export const percent = (share) => `${Math.round(Math.min(1, Math.max(0, share)) * 100)}\u00a0%`;
export const known = (value) => value !== null && value !== undefined && Number.isFinite(Number(value));
/** A span of shares: "20 to 40 %". */
export const span = (low, high) => `${parseInt(percent(low), 10)} to ${percent(high)}`;

/** Response times that are known, in milliseconds: {prediction, decision, round_trip}. */
export function responseWords({ prediction, decision, roundTrip }) {
  const parts = [
    ["Prediction", prediction],
    ["decision", decision],
    ["there and back", roundTrip],
  ].filter(([, ms]) => known(ms));
  const words = parts.map(([name, ms]) => `${name} ${Number(ms) < 10 ? Number(ms).toFixed(1) : Math.round(ms)} ms`).join(", ");
  return words && words.charAt(0).toUpperCase() + words.slice(1);
}

/** Which models answered: "engagement 4, leaving 2, policy 1". */
export function versionWords({ model_version: engagement, leave_version: leaving, policy_version: policy }) {
  const parts = [
    ["engagement", engagement],
    ["leaving", leaving],
    ["policy", policy],
  ].filter(([, version]) => known(version));
  return parts.map(([name, version]) => `${name} ${version}`).join(", ");
}

/** How long a message must stand to be read: 200 words a minute, and never too short to notice. Seconds. */
export const readingSeconds = (text) => Math.min(16, Math.max(6, 2 + String(text).split(/\s+/).length * 0.3));
