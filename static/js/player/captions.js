// Captions: each clip brings WebVTT on its own timeline, placed here where the clip stands on the playlist's.

const TIME = /(?:(\d+):)?(\d{2}):(\d{2})[.,](\d{3})/;

/** Cues of a WebVTT text: [{start, end, text}], seconds. Unknown blocks (NOTE, STYLE, REGION) are passed over. */
export function parseVtt(text) {
  const cues = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => line.includes("-->"));
    if (at < 0) continue;
    const [start, end] = lines[at].split("-->").map(seconds);
    const words = lines.slice(at + 1).join("\n").replace(/<[^>]*>/g, "").trim();
    if (words && end > start) cues.push({ start, end, text: words });
  }
  return cues;
}

function seconds(text) {
  const found = TIME.exec(text);
  if (!found) return NaN;
  return Number(found[1] ?? 0) * 3600 + Number(found[2]) * 60 + Number(found[3]) + Number(found[4]) / 1000;
}

export class Captions {
  constructor(element, remembered = localStorage) {
    this.element = element;
    this.remembered = remembered;
    this.on = remembered.getItem("captions") === "on";
    this.tracks = new Map();
    this.shown = "";
  }

  /** Another playlist: what was placed lies at times of the one before. */
  forget() {
    this.tracks = new Map();
  }

  /** Loads what is new in the timeline's list [{t0, url | vtt}]. */
  async place(list) {
    const { tracks } = this;
    for (const { t0, url, vtt } of list) {
      if (tracks.has(t0)) continue;
      tracks.set(t0, []);
      const text = vtt ?? (await fetch(url).then((answer) => (answer.ok ? answer.text() : "")).catch(() => ""));
      tracks.set(t0, parseVtt(text).map((cue) => ({ ...cue, start: cue.start + t0, end: cue.end + t0 })));
    }
  }

  toggle() {
    this.on = !this.on;
    this.remembered.setItem("captions", this.on ? "on" : "off");
    return this.on;
  }

  render(t) {
    const cues = this.on ? [...this.tracks.values()].flat().filter((cue) => t >= cue.start && t < cue.end) : [];
    const text = cues.map((cue) => cue.text).join("\n");
    if (text === this.shown) return;
    this.shown = text;
    this.element.textContent = text;
    this.element.hidden = !text;
  }
}
