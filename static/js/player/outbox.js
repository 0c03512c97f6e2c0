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

  /** Up to ``count`` events that were never sent, or so long ago that the answer must be lost. */
  take(now, { count = 50, resendAfter = 8000 } = {}) {
    const due = this.waiting.filter((entry) => entry.sentAt === null || now - entry.sentAt > resendAfter).slice(0, count);
    for (const entry of due) entry.sentAt = now;
    return due.map((entry) => entry.event);
  }

  /** The server has everything up to and including ``seq``. */
  acknowledge(seq) {
    this.waiting = this.waiting.filter((entry) => entry.event.seq > seq);
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

  get all() {
    return this.waiting.map((entry) => entry.event);
  }
}
