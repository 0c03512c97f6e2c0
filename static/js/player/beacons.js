// Which events follow from the playhead, as a pure state machine: (t, playing) in, events out. It has no clock and sends
// nothing. An event here is {type, data, position, token?}; the session adds id, time and sequence number.
//
// What counts is the playhead really advancing while playing. A jump is told apart by ``jump``: what lies between was not
// watched, and a quartile fires only when the ad was watched without a gap from its start up to it.
import { adKey, fullOffset, round } from "./timeline.js";

// The longest step taken for continuous play. Background tabs are woken once a second.
const LONGEST_STEP = 2.5;
const GAP = 0.15;
const QUARTILES = [
  [0.25, "ad.first_quartile"],
  [0.5, "ad.midpoint"],
  [0.75, "ad.third_quartile"],
];
// The playhead may stand this much short of a clip's end when the next one is due.
const END = 0.001;
const AD_HEARTBEAT_SECONDS = 5;
// In a row, with half of the picture on screen: what IAB and MRC call a viewable video impression.
const VIEWABLE_SECONDS = 2;

export class Beacons {
  constructor(timeline) {
    this.timeline = timeline;
    this.previous = null;
    this.wasInView = false;
    this.ads = new Map();
    this.scene = null;
    this.seen = new Set();
    this.unused = new Set();
    this.started = false;
    this.over = false;
  }

  /** Published items never change, so what was counted stays counted. */
  replace(timeline) {
    this.timeline = timeline;
  }

  /**
   * The playhead is at t. ``playing``: neither paused nor seeking nor waiting. ``inView``: half of the picture is on screen and
   * the page is shown; what lies between two looks was seen when both found it so.
   */
  step(t, playing, inView = false) {
    const from = this.previous;
    this.previous = t;
    this.seenSince = inView && this.wasInView;
    this.wasInView = inView;
    if (!playing || !this.seenSince) this.breakView();
    if (!playing || this.over || from === null || t <= from) return [];
    if (t - from > LONGEST_STEP) return this.jump(t);
    const out = [];
    if (!this.started) {
      this.started = true;
      out.push(this.event("playback.start", t));
    }
    for (const { item, a, b } of this.timeline.within(from, t)) {
      if (item.kind === "ad") this.coverAd(item, a, b, out);
      else this.coverScene(item, a, b, out);
    }
    return out;
  }

  /**
   * The playhead was put to t. Leaving a scene that way ends it. ``sought``: by the viewer, who thereby leaves out the ads
   * that lie between; what is reserved for them is given back.
   */
  jump(t, { sought = false } = {}) {
    const out = sought && this.previous !== null ? this.leaveOut(this.previous, t) : [];
    this.previous = t;
    this.breakView();
    this.over = false;
    const there = this.timeline.itemAt(t);
    if (this.scene && !(there?.kind === "scene" && there.id === this.scene.item.id)) this.endScene(out);
    for (const ad of this.ads.values()) if (!ad.done) ad.broken = true;
    return out;
  }

  /**
   * The media ended: what the last look at the playhead missed was played too. Nothing follows until the viewer jumps
   * back, since a late look at a playhead that stands at the end would begin the last scene once more.
   */
  finish() {
    const last = this.timeline.items.at(-1);
    const out = last && this.previous !== null ? this.step(last.t1, true, this.wasInView) : [];
    this.endScene(out);
    this.over = true;
    return out;
  }

  /** Being in view counts in one stretch. */
  breakView() {
    for (const ad of this.ads.values()) ad.viewed = 0;
  }

  /** The viewer pressed "Skip ad". */
  skip(item) {
    const ad = this.ads.get(adKey(item));
    if (!ad || ad.done) return [];
    ad.done = true;
    this.seen.add(adKey(item));
    return [this.adEvent("ad.skip", item, item.t0 + ad.covered, { watched: round(ad.covered) })];
  }

  leaveOut(from, t) {
    const passed = this.timeline.items.filter((item) => item.kind === "ad" && item.t0 >= from - GAP && item.t1 <= t + GAP);
    const unused = passed.filter((item) => !this.ads.has(adKey(item)) && !this.seen.has(adKey(item)) && !this.unused.has(adKey(item)));
    for (const item of unused) this.unused.add(adKey(item));
    return unused.map((item) => this.adEvent("ad.not_used", item, item.t0));
  }

  /** Its clip cannot be loaded or shown: ``code`` of VAST 4.2, section 2.3.6.3. It counts as seen, so that it is passed over. */
  fail(item, t, code) {
    const key = adKey(item);
    if (this.seen.has(key)) return [];
    const begun = this.ads.get(key);
    this.ads.set(key, { covered: 0, fired: new Set(), beat: 0, viewed: 0, ...begun, broken: true, done: true });
    this.seen.add(key);
    return [this.adEvent("ad.error", item, t, { code })];
  }

  /** Word that the page lives, for every published ad that may still be shown: whoever pauses keeps what is reserved. */
  keep(t) {
    const ahead = this.timeline.items.filter((item) => item.kind === "ad" && item.t1 > t);
    const held = ahead.filter((item) => !this.seen.has(adKey(item)) && !this.unused.has(adKey(item)) && !this.ads.get(adKey(item))?.done);
    return held.map((item) => this.adEvent("ad.heartbeat", item, Math.max(t, item.t0)));
  }

  /** pause, resume, mute, unmute, error: only inside an ad, and not after it was skipped. */
  adAction(name, t, data = {}) {
    const item = this.timeline.itemAt(t);
    if (item?.kind !== "ad" || !this.ads.has(adKey(item))) return [];
    return [this.adEvent(`ad.${name}`, item, t, data)];
  }

  event(type, t, data = {}) {
    return { type, data, position: this.timeline.positionAt(t) };
  }

  /** Seconds into its scene that were watched; null where no scene is on. */
  leave() {
    const out = [];
    this.endScene(out);
    return out;
  }

  adEvent(type, item, t, data = {}) {
    return { ...this.event(type, t, { offset: round(Math.max(0, t - item.t0)), ...data }), token: item.token };
  }

  coverAd(item, a, b, out) {
    this.endScene(out);
    const key = adKey(item);
    let ad = this.ads.get(key);
    if (!ad) {
      ad = { covered: 0, fired: new Set(), broken: a - item.t0 > GAP * 4, done: false, beat: 0, viewed: 0 };
      this.ads.set(key, ad);
      out.push(this.adEvent("ad.impression", item, b), this.adEvent("ad.start", item, b));
    }
    if (ad.done) return;
    this.fireViewable(item, ad, a, b, out);
    if (b - item.t0 - ad.beat >= AD_HEARTBEAT_SECONDS) {
      ad.beat = b - item.t0;
      out.push(this.adEvent("ad.heartbeat", item, b));
    }
    if (a - item.t0 <= ad.covered + GAP) {
      ad.covered = Math.max(ad.covered, b - item.t0);
      ad.broken = false;
    } else if (!ad.covered && a - item.t0 <= GAP * 4) {
      ad.covered = b - item.t0;
    }
    if (!ad.broken) this.fireQuartiles(item, ad, b, out);
    if (b >= item.t1 - END) {
      ad.done = true;
      this.seen.add(key);
    }
  }

  fireViewable(item, ad, a, b, out) {
    if (this.seenSince) ad.viewed += b - a;
    if (ad.viewed < VIEWABLE_SECONDS - 1e-6 || ad.fired.has("ad.viewable")) return;
    ad.fired.add("ad.viewable");
    out.push(this.adEvent("ad.viewable", item, b));
  }

  fireQuartiles(item, ad, t, out) {
    const length = item.t1 - item.t0;
    for (const [share, type] of QUARTILES) {
      if (ad.covered >= share * length && !ad.fired.has(type)) {
        ad.fired.add(type);
        out.push(this.adEvent(type, item, t));
      }
    }
    if (ad.covered >= length - 0.01 && !ad.fired.has("ad.complete")) {
      ad.fired.add("ad.complete");
      ad.done = true;
      this.seen.add(adKey(item));
      out.push(this.adEvent("ad.complete", item, t));
    }
  }

  coverScene(item, a, b, out) {
    if (this.scene?.item.id !== item.id) {
      // The look before ended it a hair before its end; what is left of it begins nothing.
      if (a >= item.t1 - END) return;
      this.endScene(out);
      this.scene = { item, watched: 0, end: a };
      const shown = { scene: item.id, cut: item.cut, change: item.change };
      out.push({ type: "playback.scene_start", data: shown, position: { scene: item.id, offset: round(fullOffset(item, a - item.t0)) } });
    }
    this.scene.watched += b - a;
    this.scene.end = b;
    if (b >= item.t1 - END) this.endScene(out);
  }

  endScene(out) {
    if (!this.scene) return;
    const { item, watched, end } = this.scene;
    this.scene = null;
    const length = item.t1 - item.t0;
    out.push({
      type: "playback.scene_end",
      data: { scene: item.id, watched: round(Math.min(watched, length)), duration: round(length), completed: end >= item.t1 - 0.25 },
      position: { scene: item.id, offset: round(fullOffset(item, end - item.t0)) },
    });
  }
}
