// The player: one film, one playback session. It joins the parts; what they decide, they decide on their own.
import { lightStars } from "../browse/detail.js";
import { AdView } from "./ads.js";
import { Captions } from "./captions.js";
import { Controls } from "./controls.js";
import { DirectorPanel } from "./director/panel.js";
import { Suggestion } from "./director/suggestion.js";
import { Wishes } from "./director/wishes.js";
import { InView } from "./inview.js";
import { Log } from "./log.js";
import { Media } from "./media.js";
import { Seeking } from "./seeking.js";
import { Session } from "./session.js";
import { Signals } from "./signals.js";
import { Timeline, round } from "./timeline.js";
import { Toasts } from "./toasts.js";

const REOPEN_AGAIN_AFTER = 60000;
// The socket's reasons after which no reconnecting helps.
const NOT_OURS = new Set(["unsigned", "unreadable_token", "expired_token", "wrong_session", "unknown_session", "epoch_over"]);

export class Player {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.video = this.part("video");
    this.media = new Media(this.video, root.dataset.worker);
    this.log = new Log(this.video, new InView(this.video));
    this.captions = new Captions(this.part("captions"));
    this.toasts = new Toasts(this.part("toasts"));
    this.director = new DirectorPanel(root, () => this.dock());
    this.suggestion = new Suggestion(root, (answer) => this.log.note("playback.suggestion", answer));
    this.wishes = new Wishes(root, {
      direct: (asEdited) => this.direct(asEdited),
      complain: (about) => this.log.note("playback.complaint", { about }),
      toast: (title, words) => this.toasts.say(title, words),
    });
    this.ads = new AdView(root);
    this.timeline = new Timeline({});
    this.controls = new Controls(root, this.actions());
    this.seeking = new Seeking(this);
    this.signals = new Signals(this);
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
    for (const name of ["start", "trouble", "end"]) this.part(name).hidden = true;
    this.state("loading");
    this.busy(true);
    if (!Media.playable) return this.trouble("This browser cannot play the film", "It lacks Media Source Extensions. A current Chrome, Edge, Firefox or Safari can play it.");
    this.session?.close();
    this.log.close();
    this.seeking.forget();
    this.signals.stalls.forget();
    this.captions.forget();
    const { slug, device, hour, csrf } = this.root.dataset;
    this.suggestion.hide();
    this.session = new Session({ slug, device, hour, csrf, cameFrom: cameFrom() });
    this.followSession();
    try {
      const details = await this.session.open({ restart });
      history.replaceState(null, "", location.pathname);
      this.log.open(this.session, this.timeline);
      this.media.open(details.playlist, details.resume_at);
      this.log.beacons.jump(details.resume_at);
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
    hear("decision", (message) => this.decided(message));
    hear("recalled", (decisions) => this.director.recall(decisions));
    hear("refused", ({ reason }) => this.refused(reason));
    hear("online", () => this.online());
    hear("reconnecting", () => this.link("Reconnecting…"));
  }

  adopt(json) {
    this.timeline = new Timeline(json);
    this.log.beacons.replace(this.timeline);
    this.captions.place(this.timeline.captions);
    this.wishes.adopt(this.timeline.asEdited);
    this.drawPlan();
    this.seeking.tryAsked();
  }

  drawPlan() {
    this.controls.plan(this.timeline, (pod) => this.log.seen(pod));
    this.director.plan(this.timeline, this.item);
  }

  /** What the Director decided is told in the panel; what changes the film, on the picture too. */
  decided(message) {
    const what = this.director.decision(message);
    if (message.action === "suggest") this.suggestion.show(message);
    else if (message.action !== "keep") this.toasts.say(what, message.reason, { label: message.explored ? "Tried to learn" : "" });
  }

  /** The viewer wants the film as edited, or directed again. -> whether anybody heard it */
  direct(asEdited) {
    if (!this.session?.say({ type: "direct", as_edited: asEdited })) {
      this.notYet("That can be switched in a moment.");
      return false;
    }
    return true;
  }

  online() {
    this.link("");
    if (this.wishes.wanted !== null) this.session.say({ type: "direct", as_edited: this.wishes.wanted });
  }

  /** Panels stand beside the picture, not on it, where there is room. */
  dock() {
    const open = ["director", "why"].some((name) => !this.part(name).hidden);
    this.root.classList.toggle("has-panel", open);
  }

  link(words) {
    this.part("link-state").hidden = !words;
    this.part("link-state").textContent = words;
  }

  busy(on) {
    this.part("spinner").hidden = !on;
  }

  notYet(words = "That part of the film can be reached in a moment.") {
    this.toasts.say("Not yet", `The connection is being restored. ${words}`);
  }

  refused(reason) {
    this.seeking.refused();
    this.wishes.refused();
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
    this.log.step(playing);
    this.signals.step();
    const item = this.timeline.itemAt(t);
    if (item !== this.item) this.changed(item);
    if (playing) this.seeking.follow(item, t);
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
    if (item?.kind === "ad") this.speed(1, { told: true });
    if (was?.kind === "ad" && item?.kind !== "ad") {
      this.speed(this.wantedRate ?? 1, { told: true });
      this.why(false);
      this.seeking.goOn();
    }
  }

  ended() {
    this.log.finish();
    this.state("ended");
    this.part("end").hidden = false;
    this.part("end").querySelector(".next-up a, [data-part=again]").focus();
  }

  // What the viewer wants

  actions() {
    return {
      toggle: () => this.toggle(),
      seekTo: (film) => this.seeking.to(film),
      seekBy: (seconds) => this.seeking.to(Math.max(0, this.timeline.filmAt(this.video.currentTime) + seconds)),
      nextScene: () => this.seeking.nextScene(),
      mute: () => this.volume(this.video.volume || 0.5, !this.video.muted),
      volume: (value) => this.volume(value, value === 0),
      volumeBy: (step) => this.volume(Math.min(1, Math.max(0, round(this.video.volume + step))), false),
      rate: (value) => this.wantRate(value),
      captions: () => this.showCaptions(this.captions.toggle()),
      director: () => this.director.toggle(),
      asEdited: () => this.wishes.toggle(),
      why: (open) => this.why(open),
      skip: () => this.skip(),
      fullscreen: () => this.fullscreen(),
      escape: () => this.closePanels(),
    };
  }

  toggle() {
    if (this.root.dataset.state === "ready") return this.begin();
    if (!this.log.ready || this.video.ended) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
    this.controls.flash(this.video.paused ? "pause" : "play");
  }

  volume(value, muted) {
    const was = this.video.muted;
    Object.assign(this.video, { volume: value, muted });
    localStorage.setItem("volume", JSON.stringify({ value, muted }));
    if (was !== muted) this.log.noteInAd(muted ? "mute" : "unmute");
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

  /** Ads play at normal speed, which is nobody's wish and so not in the log. */
  speed(value, { told = false } = {}) {
    if (this.video.playbackRate === value) return;
    this.video.playbackRate = value;
    this.controls.rate(value);
    if (!told) this.log.note("playback.rate", { rate: value });
  }

  showCaptions(on = this.captions.on) {
    this.part("captions-toggle").setAttribute("aria-pressed", String(on));
    this.captions.render(this.video.currentTime);
  }

  skip() {
    const { item } = this;
    if (item?.kind !== "ad" || !this.ads.maySkip(this.video.currentTime)) return;
    this.log.record(this.log.beacons.skip(item));
    this.seeking.put(item.t1 + 0.01);
  }

  async why(open = this.part("why").hidden) {
    const panel = this.part("why");
    const item = this.item?.kind === "ad" ? this.item : null;
    panel.hidden = !open || !item;
    this.dock();
    if (panel.hidden) return;
    this.ads.explain(item, await this.session.why(item.decision));
  }

  /** Escape closes one thing, the nearest first. */
  closePanels() {
    if (this.wishes.close() || this.suggestion.dismiss()) return;
    if (!this.part("why").hidden) this.why(false);
    else if (this.director.isOpen) this.director.toggle(false);
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {});
  }

  /** Stars given at the end go with the playback's own events, so that they count for this session. */
  rate(event) {
    event.preventDefault();
    const stars = Number(event.submitter.value);
    this.log.note("playback.rating", { stars });
    this.session.flush();
    lightStars(event.currentTarget, stars);
  }

  // The browser's events

  listen() {
    const { video } = this;
    const on = (name, action) => video.addEventListener(name, action);
    on("playing", () => this.playing());
    on("pause", () => !video.ended && this.root.dataset.state !== "trouble" && this.state("paused"));
    on("waiting", () => this.waiting());
    on("seeked", () => this.busy(false));
    on("ended", () => this.ended());
    on("timeupdate", () => this.tick());
    this.log.addEventListener("adOver", () => this.drawPlan());
    this.part("begin").addEventListener("click", () => this.begin());
    this.part("restart")?.addEventListener("click", () => this.begin({ restart: true }));
    this.part("again").addEventListener("click", () => this.begin({ restart: true }));
    this.part("trouble-retry").addEventListener("click", () => this.begin());
    this.part("ad-click").addEventListener("click", () => video.pause());
    this.part("end").querySelector("form.stars").addEventListener("submit", (event) => this.rate(event));
    this.listenToMedia();
    this.listenToPage();
  }

  listenToMedia() {
    const on = (name, action) => this.media.addEventListener(name, ({ detail }) => action(detail));
    on("grown", () => this.seeking.grown());
    on("gone", () => this.gone());
    on("network", (tries) => this.link(tries > 3 ? "The server is away. Trying again…" : "Connection lost. Trying again…"));
    this.media.addEventListener("clip", (event) => this.seeking.clipFailed(event.detail) && event.preventDefault());
    on("broken", (details) => {
      this.log.noteInAd("error", { code: 405 });
      this.log.note("playback.error", { details: String(details) });
      this.trouble("The picture broke off", "Your browser could not go on with this film. Try again to go on where you stopped.");
    });
  }

  listenToPage() {
    document.addEventListener("fullscreenchange", () => {
      const on = Boolean(document.fullscreenElement);
      this.controls.icon("fullscreen", on ? "window" : "fullscreen");
      this.part("fullscreen").setAttribute("aria-label", on ? "Leave full screen" : "Full screen");
    });
    addEventListener("pageshow", (event) => event.persisted && location.reload());
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
  }

  waiting() {
    this.busy(true);
    this.seeking.passFailed();
  }
}

/** The Director's decision that led here, as the address says. */
const cameFrom = () => new URLSearchParams(location.search).get("came_from");
