// How well the picture plays, as numbers for the log. Pure: it is told what the browser counts and what time it is (milliseconds).

const SHORTEST_STALL = 120;

/** Frames dropped since the last look; the browser counts anew when another film is loaded. */
export class Frames {
  constructor() {
    this.last = 0;
  }

  since(total) {
    const dropped = total >= this.last ? total - this.last : total;
    this.last = total;
    return dropped;
  }
}

/**
 * Buffering in the midst of play. A stall is told twice, when it begins and when it ends; waits too short to notice are not told at all.
 * Each method returns the data of the event to tell, or null.
 */
export class Stalls {
  constructor(shortest = SHORTEST_STALL) {
    this.shortest = shortest;
    this.forget();
  }

  forget() {
    this.since = null;
    this.told = false;
  }

  begin(now) {
    this.since ??= now;
  }

  /** Looked at now and then while the picture waits. */
  step(now) {
    if (this.since === null || this.told || now - this.since < this.shortest) return null;
    this.told = true;
    return { phase: "begin", milliseconds: 0 };
  }

  /** The picture moves again, or the viewer paused, sought or left: what comes after that is no buffering. */
  end(now) {
    const lasted = this.since === null ? 0 : now - this.since;
    this.forget();
    return lasted < this.shortest ? null : { phase: "end", milliseconds: Math.round(lasted) };
  }
}
