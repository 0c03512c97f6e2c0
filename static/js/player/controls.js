// The controls' look and feel: what is shown, what was pressed. It decides nothing; `act` is told what the viewer wants.
import { Pins } from "./director/pins.js";
import { icon } from "./dom.js";
import { SeekBar } from "./seekbar.js";

const IDLE_AFTER = 2800;
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {object} act {toggle, seekTo(film), seekBy(seconds), nextScene, mute, volume(v), volumeBy(step), rate(r), captions,
   *   director, asEdited, why, skip, fullscreen, escape}
   */
  constructor(root, act) {
    this.root = root;
    this.act = act;
    this.parts = new Proxy({}, { get: (_, name) => root.querySelector(`[data-part="${name}"]`) });
    this.seek = new SeekBar(this.parts, (film) => act.seekTo(film));
    this.pins = new Pins(this.parts.pins, this.parts["pin-tip"], root.dataset.icons);
    this.bind();
    this.icon("play", "play");
    this.icon("mute", "volume");
    this.icon("fullscreen", "fullscreen");
  }

  icon(part, name) {
    const button = this.parts[part];
    if (button.dataset.icon === name) return;
    button.dataset.icon = name;
    button.replaceChildren(icon(this.root.dataset.icons, name));
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
  }

  /** Show the controls, and hide them again when nothing moves for a while. */
  wake() {
    this.root.classList.remove("is-idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      const busy = this.root.dataset.state !== "playing" || this.seek.dragging !== null || this.parts.help.open || !this.parts.wrong.hidden;
      if (!busy && !this.root.querySelector(":is([data-part=controls], .top-bar) :focus-visible")) this.root.classList.add("is-idle");
    }, IDLE_AFTER);
  }

  /** The whole plan: published and foreseen. */
  plan(timeline, seenBreaks) {
    this.seek.plan(timeline, seenBreaks);
    this.pins.show(timeline);
  }

  /** @param {object} view {film, bufferedFilm, playing, inAd, sceneName} */
  render(view) {
    this.seek.render(view);
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
    flash.replaceChildren(icon(this.root.dataset.icons, name));
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
    if (/^[0-9]$/.test(key)) return () => act.seekTo((Number(key) / 10) * this.seek.filmDuration);
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
      e: () => act.asEdited(),
      Escape: () => act.escape(),
      "<": () => step(-1),
      ">": () => step(1),
      "?": () => this.parts.help.showModal(),
    }[key.length === 1 ? key.toLowerCase() : key];
  }
}
