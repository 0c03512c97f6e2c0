// What a page holds of one stream: the newest snapshot, and what is known about why there is no newer one.

export const newer = ([fence, n], [heldFence, heldN]) => fence > heldFence || (fence === heldFence && n > heldN);

export class Held {
  constructor(name) {
    this.name = name;
    this.version = [0, 0];
    this.snapshot = null;
    this.movedAt = null; // server's milliseconds when a newer version was last seen
    this.missing = false; // the server answered that nobody published it yet
    this.refused = null; // why this one may not be watched
    this.problem = null; // {what, since, at}: what the publisher itself waits for
    this.logAwaySince = null;
  }

  get builtAt() {
    return this.snapshot && Date.parse(this.snapshot.built_at);
  }

  /** Whether it was newer than what was held. ``at`` in the server's milliseconds. */
  take(snapshot, at) {
    if (!newer(snapshot.version, this.version)) return false;
    // The first may be an old one that was kept: when it was built is all that is known.
    this.movedAt = this.snapshot ? at : Math.min(at, Date.parse(snapshot.built_at));
    this.version = snapshot.version;
    this.snapshot = snapshot;
    this.missing = false;
    this.refused = this.problem = null;
    this.logAwaySince = snapshot.log?.away ? (this.logAwaySince ?? Date.parse(snapshot.built_at)) : null;
    return true;
  }

  /** Nothing but its age has changed: "taken"; "old" where a newer one is held; "unknown" where what is meant is not what is held. */
  still(meta, at) {
    if (!newer(meta.version, this.version)) return "old";
    if (this.snapshot?.content !== meta.content) return "unknown";
    this.take({ ...this.snapshot, ...meta }, at);
    return "taken";
  }

  trouble(what, since, at) {
    this.problem = { what, since: Date.parse(since), at };
  }

  refuse(reason) {
    this.refused = reason;
    this.snapshot = null;
    this.version = [0, 0];
  }
}
