// Where the playhead is put: the viewer's jumps, ads owed and ads seen on the way, and what is not published yet.
import { adKey, passOver, resolveSeek, resolveTo, round } from "./timeline.js";

// Passing over a seen ad for its last instant would only make the picture jump.
const WORTH_PASSING = 0.5;
// So close to a clip that cannot be had the picture stands still.
const JUST_BEFORE = 0.6;

export class Seeking {
  /** @param {object} player {video, media, log, timeline, item, busy(on), notYet(), ended()} */
  constructor(player) {
    this.player = player;
    this.forget();
  }

  /** Wishes of the playback before lie on another playlist. */
  forget() {
    Object.assign(this, { asked: null, goal: null, waitingFor: null });
  }

  get seen() {
    return this.player.log.beacons.seen;
  }

  /** The viewer wants to be at ``film`` seconds. ``told``: the way of saying so that is in the log already. */
  to(film, { told = false } = {}) {
    const { player } = this;
    if (!player.log.ready || player.item?.kind === "ad") return;
    const from = player.video.currentTime;
    const found = resolveSeek(player.timeline, { from, film, seen: this.seen });
    if (found.kind === "ask") return this.ask(found.position, { told });
    this.goal = found.kind === "ad" ? found.then : null;
    this.put(found.t, { wanted: !told });
  }

  nextScene() {
    const { player } = this;
    const film = player.timeline.filmAt(player.video.currentTime);
    const next = player.timeline.scenes().find((scene) => scene.f0 > film + 0.2);
    if (!next || player.item?.kind === "ad") return;
    player.log.note("playback.skip_scene", { scene: player.item?.id ?? null });
    this.to(next.f0 + 0.02, { told: true });
  }

  /** What is not published yet is asked for; the answer is a new timeline. */
  ask(position, { told = false } = {}) {
    if (this.player.session.seek(position)) {
      this.asked = { position, told };
      this.player.busy(true);
    } else {
      this.player.notYet();
    }
  }

  tryAsked() {
    if (!this.asked) return;
    const { position, told } = this.asked;
    const t = this.player.timeline.timeOf(position);
    if (t === null) return;
    this.asked = null;
    const found = resolveTo(this.player.timeline, { from: this.player.video.currentTime, t, position, seen: this.seen });
    this.goal = found.kind === "ad" ? position : null;
    this.put(found.t, { wanted: !told });
  }

  refused() {
    if (this.asked) this.player.busy(false);
    this.asked = null;
  }

  /** Seen ads are passed over. */
  follow(item, t) {
    if (item?.kind !== "ad" || item.t1 - t < WORTH_PASSING || !this.seen.has(adKey(item))) return;
    const past = passOver(this.player.timeline, item, this.seen);
    if (past !== null) this.put(past);
  }

  /** After an ad that a jump ran into, the way goes on to where the viewer wanted. */
  goOn() {
    if (!this.goal) return;
    const { timeline, video } = this.player;
    const position = this.goal;
    this.goal = null;
    const t = timeline.timeOf(position);
    if (t === null) this.ask(position, { told: true });
    else if (t > video.currentTime) this.put(resolveTo(timeline, { from: video.currentTime, t, position, seen: this.seen }).t);
  }

  /**
   * Moves the playhead; waits for the playlist where it does not reach so far yet. Only what the viewer ``wanted`` is a seek or a
   * rewind in the log: passing over a seen ad says nothing of anybody's patience.
   */
  put(t, { wanted = false } = {}) {
    const { media, video, log } = this.player;
    if (media.halted) return this.openAt(t);
    if (!media.reaches(t)) {
      this.waitingFor = { t, wanted };
      this.player.busy(true);
      media.reload();
      return;
    }
    this.waitingFor = null;
    const from = video.currentTime;
    log.record(log.beacons.jump(t, { sought: true }), from);
    if (wanted) log.note(t < from ? "playback.rewind" : "playback.seek", { from: round(from), to: round(t) }, t);
    video.currentTime = t;
  }

  /** The playlist has grown. */
  grown() {
    if (this.waitingFor && this.player.media.reaches(this.waitingFor.t)) this.put(this.waitingFor.t, this.waitingFor);
  }

  /** The media anew from t on, where the way there leads over something that cannot be had. */
  openAt(t) {
    const { log, media, session, video } = this.player;
    log.record(log.beacons.jump(t));
    media.open(session.details.playlist, t);
    video.play().catch(() => {});
  }

  /** The clip at ``at`` cannot be had. An ad is reported and passed over; without a scene the film cannot go on. */
  clipFailed({ at, code }) {
    const { log, timeline, video } = this.player;
    const item = timeline.itemAt(at + 0.1);
    if (item?.kind !== "ad" || !log.ready) return false;
    log.record(log.beacons.fail(item, video.currentTime, code));
    setTimeout(() => this.passFailed());
    return true;
  }

  /** A playhead that waits before, or in, an ad that will never come goes on behind it, once there is something to go on with. */
  passFailed() {
    const { timeline, video } = this.player;
    const t = video.currentTime;
    const failed = timeline.items.find((item) => item.kind === "ad" && item.t0 - t < JUST_BEFORE && item.t1 > t + 0.02);
    if (!failed || !this.seen.has(adKey(failed))) return;
    const past = passOver(timeline, failed, this.seen);
    const next = timeline.foreseen.find((stretch) => stretch.kind === "scene");
    if (past < timeline.publishedUntil - 0.05) this.put(past + 0.01);
    else if (next) this.ask({ scene: next.id, offset: 0 }, { told: true });
    else this.player.ended();
  }
}
