// The player: one film, one playback session. It joins the parts; what they decide, they decide on their own.
import { AdView } from "./ads.js";
import { Beacons } from "./beacons.js";
import { Captions } from "./captions.js";
import { Controls } from "./controls.js";
import { DirectorView } from "./director.js";
import { InView } from "./inview.js";
import { Media } from "./media.js";
import { Session } from "./session.js";
import { Timeline, adKey, passOver, resolveSeek, resolveTo, round } from "./timeline.js";
import { lightStars } from "../browse/detail.js";
import { paintTitles } from "../browse/colours.js";

const HEARTBEAT = 1000;
// Well within the time for which the server holds an ad.
const KEEP_HOLDS = 30000;
const SHORTEST_STALL = 120;
const REOPEN_AGAIN_AFTER = 60000;
// Passing over a seen ad for its last instant would only make the picture jump.
const WORTH_PASSING = 0.5;
// So close to a clip that cannot be had the picture stands still.
const JUST_BEFORE = 0.6;
// The socket's reasons after which no reconnecting helps.
const NOT_OURS = new Set(["unsigned", "unreadable_token", "expired_token", "wrong_session", "unknown_session", "epoch_over"]);

class Player {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.video = this.part("video");
    this.media = new Media(this.video, root.dataset.worker);
    this.inView = new InView(this.video);
    this.captions = new Captions(this.part("captions"));
    this.director = new DirectorView(root);
    this.ads = new AdView(root);
    this.timeline = new Timeline({});
    this.beacons = new Beacons(this.timeline);
    this.controls = new Controls(root, this.actions());
    this.listen();
    this.restoreVolume();
    this.showCaptions();
    this.state("ready");
  }

  state(name) {
    this.root.dataset.state = name;
    this.controls.wake();
  }

  // Opening

  async begin({ restart = false } = {}) {
    this.part("start").hidden = true;
    this.part("trouble").hidden = true;
    this.part("end").hidden = true;
    this.state("loading");
    this.busy(true);
    if (!Media.playable) return this.trouble("This browser cannot play the film", "It lacks Media Source Extensions. A current Chrome, Edge, Firefox or Safari can play it.");
    this.session?.close();
    // Wishes of the playback before lie on another playlist.
    Object.assign(this, { asked: null, goal: null, waitingFor: null, stalledAt: null });
    this.captions.forget();
    const { slug, device, hour, csrf } = this.root.dataset;
    this.session = new Session({ slug, device, hour, csrf });
    this.beacons = new Beacons(this.timeline);
    this.followSession();
    try {
      const details = await this.session.open({ restart });
      this.beacons.seen = remembered(details.session);
      this.media.open(details.playlist, details.resume_at);
      this.beacons.jump(details.resume_at);
      await this.video.play();
    } catch (problem) {
      this.couldNotBegin(problem);
    }
  }

  couldNotBegin(problem) {
    if (problem.name === "NotAllowedError") return this.state("paused");
    if (problem.name === "AbortError") return;
    if (problem.status === undefined) throw problem;
    const title = problem.status === 409 ? "This film is being prepared" : problem.status ? "The film cannot start" : "No connection";
    this.trouble(title, problem.message);
  }

  followSession() {
    const { session } = this;
    const hear = (name, action) => session.addEventListener(name, (event) => session === this.session && action(event.detail));
    hear("timeline", (json) => this.adopt(json));
    hear("engagement", (message) => this.director.engagement(message));
    hear("decision", (message) => this.director.decision(message));
    hear("refused", ({ reason }) => this.refused(reason));
    hear("online", () => this.link(""));
    hear("reconnecting", () => this.link("Reconnecting…"));
  }

  adopt(json) {
    this.timeline = new Timeline(json);
    this.beacons.replace(this.timeline);
    this.captions.place(this.timeline.captions);
    this.drawPlan();
    if (this.asked) this.tryAsked();
  }

  drawPlan() {
    this.controls.plan(this.timeline, (pod) => pod.published && pod.ads.every((ad) => this.beacons.seen.has(adKey(ad))));
    this.director.plan(this.timeline, this.item);
  }

  link(words) {
    this.part("link-state").hidden = !words;
    this.part("link-state").textContent = words;
  }

  busy(on) {
    this.part("spinner").hidden = !on;
  }

  refused(reason) {
    if (this.asked) this.busy(false);
    this.asked = null;
    if (NOT_OURS.has(reason)) this.gone();
  }

  trouble(title, words) {
    this.session?.close();
    this.media.close();
    this.busy(false);
    this.state("trouble");
    this.part("trouble-title").textContent = title;
    this.part("trouble-words").textContent = words;
    this.part("trouble").hidden = false;
    this.part("trouble-retry").focus();
  }

  /** The session went on elsewhere, or its token is over. Whoever is watching goes on without asking, but never in a circle. */
  gone() {
    if (!this.video.paused && !document.hidden && !(performance.now() - this.reopenedAt < REOPEN_AGAIN_AFTER)) {
      this.reopenedAt = performance.now();
      this.media.close();
      this.begin();
      return;
    }
    this.trouble("This playback is over", "It went on in another tab, or was left for too long. Try again to go on where you stopped.");
  }

  // The playhead

  tick() {
    const t = this.video.currentTime;
    const playing = !this.video.paused && !this.video.seeking && this.video.readyState >= 3;
    if (this.session?.details) this.record(this.beacons.step(t, playing, this.inView.now));
    const item = this.timeline.itemAt(t);
    if (item !== this.item) this.changed(item);
    if (playing) this.follow(item, t);
    this.captions.render(t);
    this.ads.render(item?.kind === "ad" ? item : null, t);
    this.controls.render({
      film: this.timeline.filmAt(t),
      bufferedFilm: this.timeline.filmAt(this.media.bufferedUntil),
      playing: !this.video.paused && !this.video.ended,
      inAd: item?.kind === "ad",
      sceneName: item?.kind === "scene" ? item.name : "",
    });
  }

  changed(item) {
    const was = this.item;
    this.item = item;
    this.drawPlan();
    if (item?.kind === "ad") this.speed(1);
    if (was?.kind === "ad" && item?.kind !== "ad") {
      this.speed(this.wantedRate ?? 1);
      this.why(false);
      if (this.goal) this.goOn();
    }
  }

  /** Seen ads are passed over; after an ad that a seek ran into, the way goes on to where the viewer wanted. */
  follow(item, t) {
    if (item?.kind !== "ad" || item.t1 - t < WORTH_PASSING || !this.beacons.seen.has(adKey(item))) return;
    const past = passOver(this.timeline, item, this.beacons.seen);
    if (past !== null) this.put(past);
  }

  goOn() {
    const position = this.goal;
    this.goal = null;
    const t = this.timeline.timeOf(position);
    if (t === null) this.ask(position);
    else if (t > this.video.currentTime) this.put(resolveTo(this.timeline, { from: this.video.currentTime, t, position, seen: this.beacons.seen }).t);
  }

  // Seeking

  seekTo(film) {
    if (!this.session?.details || this.item?.kind === "ad") return;
    const from = this.video.currentTime;
    const found = resolveSeek(this.timeline, { from, film, seen: this.beacons.seen });
    if (found.kind === "ask") return this.ask(found.position);
    this.goal = found.kind === "ad" ? found.then : null;
    this.put(found.t, { said: film });
  }

  /** What is not published yet is asked for; the answer is a new timeline. */
  ask(position) {
    if (this.session.seek(position)) {
      this.asked = position;
      this.busy(true);
    } else {
      this.director.toast("Not yet", "The connection is being restored; that part of the film can be reached in a moment.");
    }
  }

  tryAsked() {
    const t = this.timeline.timeOf(this.asked);
    if (t === null) return;
    const position = this.asked;
    this.asked = null;
    const found = resolveTo(this.timeline, { from: this.video.currentTime, t, position, seen: this.beacons.seen });
    this.goal = found.kind === "ad" ? position : null;
    this.put(found.t);
  }

  /** Moves the playhead; waits for the playlist where it does not reach so far yet. */
  put(t) {
    if (this.media.halted) return this.openAt(t);
    if (!this.media.reaches(t)) {
      this.waitingFor = t;
      this.busy(true);
      this.media.reload();
      return;
    }
    this.waitingFor = null;
    const from = this.video.currentTime;
    this.record(this.beacons.jump(t, { sought: true }), from);
    const type = t < from ? "playback.rewind" : "playback.seek";
    this.record([{ ...this.beacons.event(type, t, { from: round(from), to: round(t) }) }], t);
    this.video.currentTime = t;
  }

  /** The media anew from t on, where the way there leads over something that cannot be had. */
  openAt(t) {
    this.record(this.beacons.jump(t));
    this.media.open(this.session.details.playlist, t);
    this.video.play().catch(() => {});
  }

  // Events

  record(events, t = this.video.currentTime) {
    if (!events.length || !this.session?.details) return;
    this.session.record(events.map((event) => ({ ...event, data: { t: round(t), ...event.data } })));
    if (!events.some((event) => ["ad.complete", "ad.skip", "ad.error"].includes(event.type))) return;
    remember(this.session.details.session, this.beacons.seen);
    this.drawPlan();
  }

  note(type, data = {}) {
    if (this.beacons.started) this.record([this.beacons.event(type, this.video.currentTime, data)]);
  }

  noteInAd(name, data = {}) {
    if (this.session?.details) this.record(this.beacons.adAction(name, this.video.currentTime, data));
  }

  keepHolds() {
    if (this.session?.details && !this.video.ended) this.record(this.beacons.keep(this.video.currentTime));
  }

  /** The clip at ``at`` cannot be had. An ad is reported and passed over; without a scene the film cannot go on. */
  clipFailed({ at, code }) {
    const item = this.timeline.itemAt(at + 0.1);
    if (item?.kind !== "ad" || !this.session?.details) return false;
    this.record(this.beacons.fail(item, this.video.currentTime, code));
    setTimeout(() => this.passFailed());
    return true;
  }

  /** A playhead that waits before, or in, an ad that will never come goes on behind it, once there is something to go on with. */
  passFailed() {
    const t = this.video.currentTime;
    const failed = this.timeline.items.find((item) => item.kind === "ad" && item.t0 - t < JUST_BEFORE && item.t1 > t + 0.02);
    if (!failed || !this.beacons.seen.has(adKey(failed))) return;
    const past = passOver(this.timeline, failed, this.beacons.seen);
    const next = this.timeline.foreseen.find((stretch) => stretch.kind === "scene");
    if (past < this.timeline.publishedUntil - 0.05) this.put(past + 0.01);
    else if (next) this.ask({ scene: next.id, offset: 0 });
    else this.ended();
  }

  heartbeat() {
    const { video } = this;
    if (!this.session?.details || video.paused || video.ended || !this.beacons.started) return;
    const data = { buffer: round(this.media.bufferedUntil - video.currentTime), dropped: this.media.droppedFrames, playing: true, rate: video.playbackRate };
    this.note("playback.heartbeat", data);
  }

  ended() {
    this.record(this.beacons.finish());
    this.note("playback.end");
    this.session.flush();
    this.state("ended");
    this.part("end").hidden = false;
    this.part("end").querySelector(".next-up a, [data-part=again]").focus();
  }

  // What the viewer wants

  actions() {
    return {
      toggle: () => this.toggle(),
      seekTo: (film) => this.seekTo(film),
      seekBy: (seconds) => this.seekTo(Math.max(0, this.timeline.filmAt(this.video.currentTime) + seconds)),
      nextScene: () => this.nextScene(),
      mute: () => this.volume(this.video.volume || 0.5, !this.video.muted),
      volume: (value) => this.volume(value, value === 0),
      volumeBy: (step) => this.volume(Math.min(1, Math.max(0, round(this.video.volume + step))), false),
      rate: (value) => this.wantRate(value),
      captions: () => this.showCaptions(this.captions.toggle()),
      director: () => this.director.toggle(),
      why: (open) => this.why(open),
      skip: () => this.skip(),
      fullscreen: () => this.fullscreen(),
      escape: () => this.closePanels(),
    };
  }

  toggle() {
    if (this.root.dataset.state === "ready") return this.begin();
    if (!this.session?.details || this.video.ended) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
    this.controls.flash(this.video.paused ? "pause" : "play");
  }

  nextScene() {
    const film = this.timeline.filmAt(this.video.currentTime);
    const next = this.timeline.scenes().find((scene) => scene.f0 > film + 0.2);
    if (!next || this.item?.kind === "ad") return;
    this.note("playback.skip_scene", { scene: this.item?.id ?? null });
    this.seekTo(next.f0 + 0.02);
  }

  volume(value, muted) {
    const was = this.video.muted;
    Object.assign(this.video, { volume: value, muted });
    localStorage.setItem("volume", JSON.stringify({ value, muted }));
    if (was !== muted) this.noteInAd(muted ? "mute" : "unmute");
  }

  restoreVolume() {
    const { value = 1, muted = false } = JSON.parse(localStorage.getItem("volume") ?? "{}");
    Object.assign(this.video, { volume: value, muted });
    this.controls.volume(value, muted);
  }

  wantRate(value) {
    this.wantedRate = value;
    if (this.item?.kind !== "ad") this.speed(value);
  }

  speed(value) {
    if (this.video.playbackRate === value) return;
    this.video.playbackRate = value;
    this.controls.rate(value);
    this.note("playback.rate", { rate: value });
  }

  showCaptions(on = this.captions.on) {
    this.part("captions-toggle").setAttribute("aria-pressed", String(on));
    this.captions.render(this.video.currentTime);
  }

  skip() {
    const { item } = this;
    if (item?.kind !== "ad" || !this.ads.maySkip(this.video.currentTime)) return;
    this.record(this.beacons.skip(item));
    this.put(item.t1 + 0.01);
  }

  async why(open = this.part("why").hidden) {
    const panel = this.part("why");
    const item = this.item?.kind === "ad" ? this.item : null;
    panel.hidden = !open || !item;
    if (panel.hidden) return;
    this.ads.explain(item, await this.session.why(item.decision));
  }

  closePanels() {
    this.why(false);
    if (!this.part("director").hidden) this.director.toggle();
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {});
  }

  // The browser's events

  listen() {
    const { video } = this;
    const on = (name, action) => video.addEventListener(name, action);
    on("playing", () => this.playing());
    on("play", () => this.note("playback.play"));
    on("play", () => this.noteInAd("resume"));
    on("pause", () => this.paused());
    on("waiting", () => this.waiting());
    on("seeked", () => this.busy(false));
    on("ended", () => this.ended());
    on("timeupdate", () => this.tick());
    on("volumechange", () => {
      this.controls.volume(video.volume, video.muted);
      this.note("playback.volume", { volume: round(video.volume), muted: video.muted });
    });
    this.part("begin").addEventListener("click", () => this.begin());
    this.part("restart")?.addEventListener("click", () => this.begin({ restart: true }));
    this.part("again").addEventListener("click", () => this.begin({ restart: true }));
    this.part("trouble-retry").addEventListener("click", () => this.begin());
    this.part("ad-click").addEventListener("click", () => video.pause());
    this.part("end").querySelector("form.stars").addEventListener("submit", (event) => this.rate(event));
    this.listenToMedia();
    this.listenToPage();
  }

  /** Stars given at the end go with the playback's own events, so that they count for this session. */
  rate(event) {
    event.preventDefault();
    const stars = Number(event.submitter.value);
    this.note("playback.rating", { stars });
    this.session.flush();
    lightStars(event.currentTarget, stars);
  }

  listenToMedia() {
    const on = (name, action) => this.media.addEventListener(name, ({ detail }) => action(detail));
    on("grown", () => this.waitingFor && this.media.reaches(this.waitingFor) && this.put(this.waitingFor));
    on("gone", () => this.gone());
    on("network", (tries) => this.link(tries > 3 ? "The server is away. Trying again…" : "Connection lost. Trying again…"));
    this.media.addEventListener("clip", (event) => this.clipFailed(event.detail) && event.preventDefault());
    on("broken", (details) => {
      this.noteInAd("error", { code: 405 });
      this.note("playback.error", { details: String(details) });
      this.trouble("The picture broke off", "Your browser could not go on with this film. Try again to go on where you stopped.");
    });
  }

  listenToPage() {
    document.addEventListener("fullscreenchange", () => {
      const on = Boolean(document.fullscreenElement);
      this.controls.icon("fullscreen", on ? "window" : "fullscreen");
      this.part("fullscreen").setAttribute("aria-label", on ? "Leave full screen" : "Full screen");
      this.note("playback.fullscreen", { on });
    });
    document.addEventListener("visibilitychange", () => this.note("playback.visibility", { hidden: document.hidden }));
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    setInterval(() => this.heartbeat(), HEARTBEAT);
    setInterval(() => this.keepHolds(), KEEP_HOLDS);
    const frame = () => {
      this.tick();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  playing() {
    this.busy(false);
    this.link("");
    this.state("playing");
    const stalled = this.stalledAt ? performance.now() - this.stalledAt : 0;
    this.stalledAt = null;
    if (stalled > SHORTEST_STALL) this.note("playback.stall", { milliseconds: Math.round(stalled) });
  }

  paused() {
    if (this.video.ended) return;
    if (this.root.dataset.state !== "trouble") this.state("paused");
    this.note("playback.pause");
    this.noteInAd("pause");
  }

  waiting() {
    this.busy(true);
    this.passFailed();
    if (!this.video.seeking && this.beacons.started) this.stalledAt ??= performance.now();
  }

  leave() {
    if (!this.session?.details || !this.beacons.started || this.video.ended) return;
    const t = round(this.video.currentTime);
    const events = [...this.beacons.leave(), this.beacons.event("playback.leave", t)];
    this.session.leave(events.map((event) => ({ ...event, data: { t, ...event.data } })));
  }
}

// Ads seen stay seen over a reload of the page.
const remembered = (session) => new Set(JSON.parse(sessionStorage.getItem(`seen:${session}`) ?? "[]"));
const remember = (session, seen) => sessionStorage.setItem(`seen:${session}`, JSON.stringify([...seen]));

const root = document.getElementById("player");
paintTitles(document);
new Player(root);
