// What the viewer and the browser do beside the film itself: sound, speed, screen, tab, heartbeat, buffering. All of it goes to the log.
import { Frames, Stalls } from "./quality.js";
import { round } from "./timeline.js";

const HEARTBEAT = 1000;
// Well within the time for which the server holds an ad.
const KEEP_HOLDS = 30000;
// A slider pulled along says where it stopped, not each step on the way.
const SETTLED = 300;

export class Signals {
  /** @param {object} player {video, media, log, controls} */
  constructor(player) {
    this.player = player;
    this.frames = new Frames();
    this.stalls = new Stalls();
    this.listen();
    setInterval(() => this.heartbeat(), HEARTBEAT);
    setInterval(() => player.log.keepHolds(), KEEP_HOLDS);
  }

  note(type, data) {
    this.player.log.note(type, data);
  }

  listen() {
    const { video } = this.player;
    const on = (name, action) => video.addEventListener(name, action);
    on("play", () => this.note("playback.play"));
    on("play", () => this.player.log.noteInAd("resume"));
    on("pause", () => this.paused());
    on("waiting", () => !video.seeking && this.player.log.started && this.stalls.begin(performance.now()));
    on("playing", () => this.stallOver());
    on("seeking", () => this.stallOver());
    on("volumechange", () => this.volumeChanged());
    document.addEventListener("fullscreenchange", () => this.note("playback.fullscreen", { on: Boolean(document.fullscreenElement) }));
    document.addEventListener("visibilitychange", () => this.shownOrHidden());
    addEventListener("pagehide", () => this.leave());
  }

  /** Looked at with every frame. */
  step() {
    const begun = this.stalls.step(performance.now());
    if (begun) this.note("playback.stall", begun);
  }

  stallOver() {
    const over = this.stalls.end(performance.now());
    if (over) this.note("playback.stall", over);
  }

  heartbeat() {
    const { video, media, log } = this.player;
    if (!log.started || video.paused || video.ended) return;
    const buffer = round(Math.max(0, media.bufferedUntil - video.currentTime));
    this.note("playback.heartbeat", { buffer, dropped: this.frames.since(media.droppedFrames), playing: true, rate: video.playbackRate });
  }

  paused() {
    if (this.player.video.ended) return;
    this.stallOver();
    this.note("playback.pause");
    this.player.log.noteInAd("pause");
  }

  volumeChanged() {
    const { video, controls } = this.player;
    controls.volume(video.volume, video.muted);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.sound(), SETTLED);
  }

  sound() {
    this.settling = null;
    const { volume, muted } = this.player.video;
    this.note("playback.volume", { volume: round(volume), muted });
  }

  /** A phone may end a page in the background without another word, so what there is to say is said now. */
  shownOrHidden() {
    this.note("playback.visibility", { hidden: document.hidden });
    if (document.hidden) this.player.session?.flush();
  }

  leave() {
    const stalled = this.stalls.end(performance.now());
    this.player.log.leave(stalled ? [["playback.stall", stalled]] : []);
  }
}
