// Events that the server has not acknowledged yet, in order. Pure: it is told when and how things were sent.

export class Outbox {
  /** @param {number} after sequence numbers go on from here; a page loaded later must begin above an earlier one of the same session */
  constructor(after = 0) {
    this.waiting = [];
    this.lastSeq = after;
  }

  add(event) {
    this.lastSeq += 1;
    const stamped = { ...event, seq: this.lastSeq };
    this.waiting.push({ event: stamped, sentAt: null });
    return stamped;
  }

  /** Up to ``count`` of the events that were not sent yet over the connection as it stands, oldest first: never a later one before. */
  take(now, { count = 50 } = {}) {
    const due = this.waiting.filter((entry) => entry.sentAt === null).slice(0, count);
    for (const entry of due) entry.sentAt = now;
    return due.map((entry) => entry.event);
  }

  /** The server has everything up to and including ``seq``. -> when the last of it was sent, null where nothing was waiting */
  acknowledge(seq) {
    const done = this.waiting.findLast((entry) => entry.event.seq <= seq);
    this.waiting = this.waiting.filter((entry) => entry.event.seq > seq);
    return done?.sentAt ?? null;
  }

  /** When the oldest of what was sent and has no answer was sent; null where everything is answered. */
  get unansweredSince() {
    return this.waiting.find((entry) => entry.sentAt !== null)?.sentAt ?? null;
  }

  /** These were answered for one by one (over HTTP). */
  remove(events) {
    const gone = new Set(events.map((event) => event.seq));
    this.waiting = this.waiting.filter((entry) => !gone.has(entry.event.seq));
  }

  /** The connection was lost: whatever has no answer goes again, with the same ids. */
  unsent() {
    for (const entry of this.waiting) entry.sentAt = null;
  }

  /**
   * What has no answer yet, in order and in parcels for beacons. A browser takes about 64 KB of them in all: where that is too little,
   * heartbeats are left out, since nothing hangs on a single one.
   */
  parcels({ most = 50, bytes = 60_000 } = {}) {
    const all = this.waiting.map((entry) => entry.event);
    const events = JSON.stringify(all).length > bytes ? all.filter((event) => !event.type.endsWith(".heartbeat")) : all;
    return Array.from({ length: Math.ceil(events.length / most) }, (_, at) => events.slice(at * most, (at + 1) * most));
  }
}
