// The timeline map, as pure functions. Playlist seconds (t) count everything; film seconds leave the ads out.
// An ad is known by its break and its number in it; the same ad may come again in a later break.

export const adKey = (item) => `${item.break_id}/${item.n}`;

export class Timeline {
  /** @param {object} json the server's timeline: {version, items, foreseen, duration, published_until, ended, captions} */
  constructor(json) {
    this.version = json.version ?? 0;
    this.items = json.items ?? [];
    this.foreseen = json.foreseen ?? [];
    this.captions = json.captions ?? [];
    this.leftOut = json.left_out ?? [];
    this.ended = Boolean(json.ended);
    this.asEdited = Boolean(json.as_edited);
    this.changes = { made: json.changes?.made ?? 0, most: json.changes?.most ?? 0 };
    this.publishedUntil = json.published_until ?? this.items.at(-1)?.t1 ?? 0;
    this.stretches = film([...this.items.map((item) => ({ ...item, published: true })), ...this.foreseen]);
    this.filmDuration = this.stretches.at(-1)?.f1 ?? 0;
  }

  /** The published item on screen at t, or null. */
  itemAt(t) {
    return this.items.find((item) => t >= item.t0 && t < item.t1) ?? null;
  }

  /** Published items that [from, to] touches, each with the part of the interval inside it. */
  within(from, to) {
    return this.items
      .filter((item) => item.t0 < to && item.t1 > from)
      .map((item) => ({ item, a: Math.max(from, item.t0), b: Math.min(to, item.t1) }));
  }

  /** Film seconds at playlist time t; inside an ad, the film stands still. */
  filmAt(t) {
    const at = this.stretches.findLast((stretch) => stretch.t0 <= t);
    if (!at) return 0;
    return at.kind === "scene" ? Math.min(at.f0 + (t - at.t0), at.f1) : at.f0;
  }

  /** The scene at a moment of the film: {scene, offset, t, published}; the very end belongs to the last scene. */
  sceneAtFilm(seconds) {
    const scenes = this.stretches.filter((stretch) => stretch.kind === "scene");
    const at = scenes.find((stretch) => seconds < stretch.f1) ?? scenes.at(-1);
    if (!at) return null;
    const played = Math.min(Math.max(0, seconds - at.f0), Math.max(0, at.t1 - at.t0 - 0.05));
    const { id: scene, name, change = "", reason = "" } = at;
    return { scene, name, change, reason, offset: fullOffset(at, played), t: at.t0 + played, published: Boolean(at.published) };
  }

  /** Playlist time of an offset into a published scene, or null while it is not published. */
  timeOf({ scene, offset }) {
    const item = this.items.find((candidate) => candidate.kind === "scene" && candidate.id === scene);
    return item ? Math.min(item.t0 + playedOffset(item, offset), item.t1 - 0.05) : null;
  }

  /** Position for the event log: the scene at t and the seconds into it; in a break, the end of the scene before it. */
  positionAt(t) {
    const before = this.items.findLast((item) => item.kind === "scene" && item.t0 <= t);
    const scene = before ?? this.items.find((item) => item.kind === "scene");
    if (!scene) return null;
    return { scene: scene.id, offset: round(fullOffset(scene, Math.min(Math.max(0, t - scene.t0), scene.t1 - scene.t0))) };
  }

  /** Breaks in playing order: {id, film, published, t0, t1, ads}. Ads that follow one another under one break id are one break. */
  breaks() {
    const found = [];
    for (const stretch of this.stretches) {
      if (stretch.kind === "scene") continue;
      const id = stretch.break_id ?? stretch.id;
      const last = found.at(-1);
      if (last && last.id === id && last.t1 === stretch.t0) {
        last.t1 = stretch.t1;
        last.ads.push(stretch);
      } else {
        found.push({ id, film: stretch.f0, published: Boolean(stretch.published), t0: stretch.t0, t1: stretch.t1, ads: [stretch] });
      }
    }
    return found;
  }

  /** What the Director did, each once, in playing order: {id, kind, name, change, reason, at} with ``at`` in film seconds. */
  changed() {
    const scenes = this.scenes().map((scene) => ({ ...scene, at: (scene.f0 + scene.f1) / 2 }));
    const breaks = this.breaks().map(({ ads, film: at }) => ({ ...ads[0], id: ads[0].break_id ?? ads[0].id, kind: "break", at }));
    return [...scenes, ...breaks].filter((stretch) => stretch.change).sort((one, other) => one.at - other.at);
  }

  /** Where each scene begins, in film seconds: for the marks of the seek bar. */
  scenes() {
    return this.stretches.filter((stretch) => stretch.kind === "scene");
  }
}

/** Positions count in the full scene, also where its tight cut plays: seconds into what plays -> seconds into the full scene. */
export function fullOffset({ dropped = [] }, played) {
  let full = played;
  for (const [from, to] of dropped) if (full >= from) full += to - from;
  return full;
}

function playedOffset({ dropped = [] }, full) {
  return full - dropped.reduce((sum, [from, to]) => sum + Math.min(Math.max(0, full - from), to - from), 0);
}

function film(stretches) {
  let f = 0;
  return [...stretches]
    .sort((one, other) => one.t0 - other.t0)
    .map((stretch) => {
      const f0 = f;
      if (stretch.kind === "scene") f += stretch.t1 - stretch.t0;
      return { ...stretch, f0, f1: f };
    });
}

/**
 * What a wish to be at ``film`` seconds means now.
 * -> {kind: "go", t} | {kind: "ad", t, then: {scene, offset}} | {kind: "ask", position: {scene, offset}}
 *
 * Backwards is always free. Forward over breaks with an unseen ad leads to the last of them, and on to the target
 * afterwards. What is not published yet must be asked of the server.
 */
export function resolveSeek(timeline, { from, film: seconds, seen }) {
  const target = timeline.sceneAtFilm(seconds);
  if (!target) return { kind: "go", t: 0 };
  const position = { scene: target.scene, offset: round(target.offset) };
  if (!target.published) return { kind: "ask", position };
  return resolveTo(timeline, { from, t: target.t, position, seen });
}

export function resolveTo(timeline, { from, t, position, seen }) {
  if (t > from) {
    const owed = timeline
      .breaks()
      .filter((pod) => pod.published && pod.t0 >= from - 0.01 && pod.t1 <= t + 0.01)
      .at(-1);
    const ad = owed?.ads.find((candidate) => !seen.has(adKey(candidate)));
    if (ad) return { kind: "ad", t: ad.t0, then: position };
  }
  return { kind: "go", t };
}

/** Where to go on when the playhead has run into ``item``: past every seen ad in a row. Null: stay. */
export function passOver(timeline, item, seen) {
  let at = item;
  while (at && at.kind === "ad" && seen.has(adKey(at))) {
    const next = timeline.items.find((candidate) => Math.abs(candidate.t0 - at.t1) < 0.02);
    if (!next) return at.t1;
    at = next;
  }
  return at === item ? null : at.t0;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 0.001));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds left, rounded up, so that a countdown ends on 0:01 and not on 0:00. */
export const countdown = (seconds) => clock(Math.max(0, Math.ceil(seconds - 0.05)));

export const round = (seconds) => Math.round(seconds * 1000) / 1000;
