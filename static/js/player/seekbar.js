// The seek bar: how far the film is, its scenes and breaks, and dragging. Film seconds throughout; ads take no room of their own.
import { shortName } from "./director/words.js";
import { make } from "./dom.js";
import { clock } from "./timeline.js";

export class SeekBar {
  /** @param {object} parts the player's elements by name @param {(film: number) => void} seekTo */
  constructor(parts, seekTo) {
    Object.assign(this, { parts, seekTo, filmDuration: 0, film: 0, dragging: null, locked: false });
    this.bind();
  }

  bind() {
    const bar = this.parts.seek;
    const at = (event) => {
      const box = bar.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.filmDuration;
    };
    bar.addEventListener("pointerdown", (event) => {
      if (this.locked || event.button) return;
      bar.setPointerCapture(event.pointerId);
      this.dragging = at(event);
      this.draw();
    });
    bar.addEventListener("pointermove", (event) => {
      this.tip(at(event));
      if (this.dragging === null) return;
      this.dragging = at(event);
      this.draw();
    });
    bar.addEventListener("pointerup", () => {
      if (this.dragging === null) return;
      const wanted = this.dragging;
      this.dragging = null;
      this.seekTo(wanted);
    });
    bar.addEventListener("pointercancel", () => (this.dragging = null));
    bar.addEventListener("pointerleave", () => (this.parts.tip.hidden = true));
  }

  tip(film) {
    const { tip } = this.parts;
    const scene = this.timeline?.sceneAtFilm(film);
    tip.hidden = !scene;
    if (!scene) return;
    tip.textContent = `${clock(film)}  ${scene.name}${scene.change ? `  ·  ${shortName(scene.change)}` : ""}`;
    tip.style.left = percent(film, this.filmDuration);
  }

  /** Published and foreseen, with scene joins, break marks, and the scenes that the Director changed. */
  plan(timeline, seenBreaks) {
    this.timeline = timeline;
    this.filmDuration = timeline.filmDuration;
    this.parts.duration.textContent = clock(timeline.filmDuration);
    this.parts.seek.setAttribute("aria-valuemax", String(Math.round(timeline.filmDuration)));
    const scenes = timeline.scenes();
    const changed = scenes.filter((scene) => scene.change).map((scene) => this.stretch(scene));
    const joins = scenes.slice(1).map((scene) => this.mark("join", scene.f0));
    const breaks = timeline.breaks().map((pod) => this.mark(seenBreaks(pod) ? "break seen" : "break", pod.film));
    this.parts.marks.replaceChildren(...changed, ...joins, ...breaks);
  }

  mark(kind, film) {
    const mark = make("span", { kind: `mark ${kind}` });
    mark.style.left = percent(film, this.filmDuration);
    return mark;
  }

  stretch({ f0, f1 }) {
    const stretch = make("span", { kind: "stretch" });
    stretch.style.left = percent(f0, this.filmDuration);
    stretch.style.width = percent(f1 - f0, this.filmDuration);
    return stretch;
  }

  draw() {
    const film = this.dragging ?? this.film;
    this.parts.played.style.width = percent(film, this.filmDuration);
    this.parts.thumb.style.left = percent(film, this.filmDuration);
    this.parts.time.textContent = clock(film);
  }

  render({ film, bufferedFilm, inAd, sceneName }) {
    this.film = film;
    this.locked = inAd;
    this.draw();
    this.parts.buffered.style.width = percent(bufferedFilm, this.filmDuration);
    const bar = this.parts.seek;
    const words = `${clock(film)} of ${clock(this.filmDuration)}${sceneName ? `, ${sceneName}` : ""}`;
    if (bar.getAttribute("aria-valuetext") !== words) {
      bar.setAttribute("aria-valuenow", String(Math.floor(film)));
      bar.setAttribute("aria-valuetext", words);
    }
    bar.setAttribute("aria-disabled", String(inAd));
  }
}

function percent(part, whole) {
  return `${whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0}%`;
}
