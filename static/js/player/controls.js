// The controls' look and feel: what is shown, what was pressed. It decides nothing; `act` is told what the viewer wants.
import { clock } from "./timeline.js";

const IDLE_AFTER = 2800;
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

export class Controls {
  /** @param {HTMLElement} root @param {object} act {toggle, seekTo(film), seekBy(seconds), nextScene, mute, volume(v), volumeBy(step), rate(r), captions, director, why, skip, fullscreen, escape} */
  constructor(root, act) {
    this.root = root;
    this.act = act;
    this.filmDuration = 0;
    this.film = 0;
    this.dragging = null;
    this.parts = new Proxy({}, { get: (_, name) => root.querySelector(`[data-part="${name}"]`) });
    this.bind();
    this.icon("play", "play");
    this.icon("mute", "volume");
    this.icon("fullscreen", "fullscreen");
  }

  icon(part, name) {
    const button = this.parts[part];
    if (button.dataset.icon === name) return;
    button.dataset.icon = name;
    button.replaceChildren(this.svg(name));
  }

  svg(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const use = document.createElementNS(space, "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${this.root.dataset.icons}#${name}`);
    svg.append(use);
    return svg;
  }

  bind() {
    const { act, parts, root } = this;
    const on = (part, action) => parts[part].addEventListener("click", action);
    on("play", () => act.toggle());
    // A finger's first touch only brings the controls back.
    parts.video.addEventListener("pointerdown", (event) => {
      this.onlyWake = event.pointerType === "touch" && root.classList.contains("is-idle");
    });
    on("video", () => this.onlyWake || act.toggle());
    on("back", () => act.seekBy(-10));
    on("on", () => act.seekBy(10));
    on("next-scene", () => act.nextScene());
    on("mute", () => act.mute());
    on("captions-toggle", () => act.captions());
    on("director-toggle", () => act.director());
    on("director-close", () => act.director());
    on("why-close", () => act.why(false));
    on("ad-why", () => act.why());
    on("ad-skip", () => act.skip());
    on("fullscreen", () => act.fullscreen());
    on("rate", () => act.rate(RATES[(RATES.indexOf(this.rateShown ?? 1) + 1) % RATES.length]));
    on("help-toggle", () => parts.help.showModal());
    on("help-close", () => parts.help.close());
    parts.volume.addEventListener("input", (event) => act.volume(Number(event.target.value)));
    parts.video.addEventListener("dblclick", () => act.fullscreen());
    document.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) root.addEventListener(name, () => this.wake());
    this.bindSeek();
  }

  /** Show the controls, and hide them again when nothing moves for a while. */
  wake() {
    this.root.classList.remove("is-idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      const busy = this.root.dataset.state !== "playing" || this.dragging !== null || this.parts.help.open;
      if (!busy && !this.parts.controls.querySelector(":focus-visible")) this.root.classList.add("is-idle");
    }, IDLE_AFTER);
  }

  // Seek bar

  bindSeek() {
    const bar = this.parts.seek;
    const at = (event) => {
      const box = bar.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.filmDuration;
    };
    bar.addEventListener("pointerdown", (event) => {
      if (this.locked || event.button) return;
      bar.setPointerCapture(event.pointerId);
      this.dragging = at(event);
      this.drawSeek();
    });
    bar.addEventListener("pointermove", (event) => {
      this.tip(at(event));
      if (this.dragging === null) return;
      this.dragging = at(event);
      this.drawSeek();
    });
    bar.addEventListener("pointerup", () => {
      if (this.dragging === null) return;
      const wanted = this.dragging;
      this.dragging = null;
      this.act.seekTo(wanted);
    });
    bar.addEventListener("pointercancel", () => (this.dragging = null));
    bar.addEventListener("pointerleave", () => (this.parts.tip.hidden = true));
  }

  tip(film) {
    const tip = this.parts.tip;
    const scene = this.timeline?.sceneAtFilm(film);
    tip.hidden = !scene;
    if (!scene) return;
    tip.textContent = `${clock(film)}  ${scene.name}`;
    tip.style.left = percent(film, this.filmDuration);
  }

  /** The whole plan: published and foreseen, with scene joins and break marks. */
  plan(timeline, seenBreaks) {
    this.timeline = timeline;
    this.filmDuration = timeline.filmDuration;
    this.parts.duration.textContent = clock(timeline.filmDuration);
    this.parts.seek.setAttribute("aria-valuemax", String(Math.round(timeline.filmDuration)));
    const joins = timeline.scenes().slice(1).map((scene) => this.mark("join", scene.f0));
    const breaks = timeline.breaks().map((pod) => this.mark(seenBreaks(pod) ? "break seen" : "break", pod.film));
    this.parts.marks.replaceChildren(...joins, ...breaks);
  }

  mark(kind, film) {
    const mark = document.createElement("span");
    mark.className = `mark ${kind}`;
    mark.style.left = percent(film, this.filmDuration);
    return mark;
  }

  drawSeek() {
    const film = this.dragging ?? this.film;
    this.parts.played.style.width = percent(film, this.filmDuration);
    this.parts.thumb.style.left = percent(film, this.filmDuration);
    this.parts.time.textContent = clock(film);
  }

  /** @param {object} view {film, bufferedFilm, playing, inAd, sceneName} */
  render(view) {
    this.film = view.film;
    this.locked = view.inAd;
    this.drawSeek();
    this.parts.buffered.style.width = percent(view.bufferedFilm, this.filmDuration);
    const bar = this.parts.seek;
    const whole = String(Math.floor(view.film));
    if (bar.getAttribute("aria-valuenow") !== whole) {
      bar.setAttribute("aria-valuenow", whole);
      bar.setAttribute("aria-valuetext", `${clock(view.film)} of ${clock(this.filmDuration)}`);
    }
    bar.setAttribute("aria-disabled", String(view.inAd));
    this.root.classList.toggle("in-ad", view.inAd);
    this.icon("play", view.playing ? "pause" : "play");
    this.parts.play.setAttribute("aria-label", view.playing ? "Pause" : "Play");
    for (const part of ["back", "on", "next-scene"]) this.parts[part].disabled = view.inAd;
    this.parts["scene-name"].textContent = view.inAd ? "" : view.sceneName;
  }

  volume(value, muted) {
    this.icon("mute", muted || value === 0 ? "muted" : "volume");
    this.parts.mute.setAttribute("aria-label", muted ? "Unmute" : "Mute");
    this.parts.volume.value = String(muted ? 0 : value);
  }

  rate(value) {
    this.rateShown = value;
    this.parts.rate.textContent = `${value}×`;
    this.parts.rate.setAttribute("aria-label", `Speed ${value}`);
  }

  flash(name) {
    const flash = this.parts.flash;
    flash.replaceChildren(this.svg(name));
    flash.classList.remove("go");
    void flash.offsetWidth;
    flash.classList.add("go");
  }

  // Keyboard (the map of the help list)

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.parts.help.open) return;
    const field = event.target.closest?.("input, textarea, select");
    const pressable = event.target.closest?.("button, a, summary");
    if (field || (pressable && (event.key === " " || event.key === "Enter"))) return;
    if (this.root.dataset.state === "ready") return;
    const action = this.keyAction(event.key);
    if (!action) return;
    event.preventDefault();
    action();
    this.wake();
  }

  keyAction(key) {
    const { act } = this;
    const step = (direction) => act.rate(RATES[Math.min(RATES.length - 1, Math.max(0, RATES.indexOf(this.rateShown ?? 1) + direction))]);
    if (/^[0-9]$/.test(key)) return () => act.seekTo((Number(key) / 10) * this.filmDuration);
    return {
      " ": () => act.toggle(),
      k: () => act.toggle(),
      ArrowLeft: () => act.seekBy(-10),
      j: () => act.seekBy(-10),
      ArrowRight: () => act.seekBy(10),
      l: () => act.seekBy(10),
      ArrowUp: () => act.volumeBy(0.1),
      ArrowDown: () => act.volumeBy(-0.1),
      m: () => act.mute(),
      f: () => act.fullscreen(),
      c: () => act.captions(),
      n: () => act.nextScene(),
      s: () => act.skip(),
      w: () => act.why(),
      d: () => act.director(),
      Escape: () => act.escape(),
      "<": () => step(-1),
      ">": () => step(1),
      "?": () => this.parts.help.showModal(),
    }[key.length === 1 ? key.toLowerCase() : key];
  }
}

function percent(part, whole) {
  return `${whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0}%`;
}
