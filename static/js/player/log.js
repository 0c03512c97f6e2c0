// What happens goes to the session's log from here: the events of the playhead, of the viewer and of the page.
import { adKey, round } from "./timeline.js";
import { Beacons } from "./beacons.js";

const AD_OVER = new Set(["ad.complete", "ad.skip", "ad.error"]);

export class Log extends EventTarget {
  /** Fires ``adOver`` when an ad was seen to its end, skipped or failed. */
  constructor(video, inView) {
    super();
    this.video = video;
    this.inView = inView;
    this.beacons = new Beacons(null);
  }

  /** A playback begins; ads seen earlier in the same session stay seen. */
  open(session, timeline) {
    this.session = session;
    this.beacons = new Beacons(timeline);
    this.beacons.seen = remembered(session.details.session);
  }

  /** What comes before the next playback is open belongs to none. */
  close() {
    this.session = null;
  }

  get ready() {
    return Boolean(this.session?.details);
  }

  get started() {
    return this.ready && this.beacons.started;
  }

  /** The playhead moved on by itself. */
  step(playing) {
    if (this.ready) this.record(this.beacons.step(this.video.currentTime, playing, this.inView.now));
  }

  record(events, t = this.video.currentTime) {
    if (!events.length || !this.ready) return;
    this.session.record(events.map((event) => ({ ...event, data: { t: round(t), ...event.data } })));
    if (!events.some((event) => AD_OVER.has(event.type))) return;
    remember(this.session.details.session, this.beacons.seen);
    this.dispatchEvent(new CustomEvent("adOver"));
  }

  note(type, data = {}, t = this.video.currentTime) {
    if (this.started) this.record([this.beacons.event(type, t, data)], t);
  }

  noteInAd(name, data = {}) {
    if (this.ready) this.record(this.beacons.adAction(name, this.video.currentTime, data));
  }

  keepHolds() {
    if (this.ready && !this.video.ended) this.record(this.beacons.keep(this.video.currentTime));
  }

  finish() {
    this.record(this.beacons.finish());
    this.note("playback.end");
    this.session.flush();
  }

  /** The page goes away: the last words, and whatever has no answer yet. */
  leave(extra = []) {
    if (!this.ready) return;
    if (this.started && !this.video.ended) {
      const t = this.video.currentTime;
      const last = extra.map(([type, data]) => this.beacons.event(type, t, data));
      this.record([...last, ...this.beacons.leave(), this.beacons.event("playback.leave", t)]);
    }
    this.session.sendRest();
  }

  seen(pod) {
    return pod.published && pod.ads.every((ad) => this.beacons.seen.has(adKey(ad)));
  }
}

// Ads seen stay seen over a reload of the page.
const remembered = (session) => new Set(JSON.parse(sessionStorage.getItem(`seen:${session}`) ?? "[]"));
const remember = (session, seen) => sessionStorage.setItem(`seen:${session}`, JSON.stringify([...seen]));
