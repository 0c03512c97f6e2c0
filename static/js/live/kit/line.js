// One socket for all streams of a page, reconnected with back-off; while it is away, or a stream silent, its last snapshot is read over HTTP.

import { SILENCE_MS } from "./health.js";
import { Held } from "./held.js";

const POLL_MS = 5000;
const ASK_AGAIN_MS = 60000;
const LONGEST_WAIT_MS = 20000;
const SIGNED_OUT = 4401;
const NOT_ALLOWED = 4403;

export class Line extends EventTarget {
  constructor({ socketUrl, snapshotUrl }) {
    super();
    this.socketUrl = socketUrl;
    this.snapshotUrl = snapshotUrl;
    this.streams = new Map(); // name as asked -> {held, heardAt, askedAt}
    this.attempts = 0;
    this.skew = null; // server's clock minus ours
    this.away = { redis: null, server: null };
    this.open = false;
    this.closedAt = this.pausedAt = this.refused = null;
    this.paused = false;
    this.startedAt = this.now();
  }

  now() {
    return Date.now() + (this.skew ?? 0);
  }

  start() {
    this.connect();
    setInterval(() => this.look(), 1000);
    setInterval(() => this.held().some((one) => one.refused) && this.sayWatched(), ASK_AGAIN_MS);
  }

  held() {
    return [...this.streams.values()].map((one) => one.held);
  }

  /** From now on these streams and no others. */
  watch(names) {
    const before = this.streams;
    this.streams = new Map(names.map((name) => [name, before.get(name) ?? { held: new Held(name), heardAt: 0, askedAt: -POLL_MS }]));
    const added = names.filter((name) => !before.has(name));
    if (added.length) this.startedAt = this.now();
    this.sayWatched();
    added.forEach((name) => this.refetch(name));
  }

  sayWatched() {
    this.say({ type: "watch", streams: [...this.streams.keys()] });
  }

  connect() {
    if (this.refused) return;
    const socket = new WebSocket(this.socketUrl);
    this.socket = socket;
    socket.addEventListener("open", () => {
      Object.assign(this, { attempts: 0, open: true, closedAt: null });
      if (this.paused) this.say({ type: "pause" });
      if (this.streams.size) this.sayWatched();
      for (const name of this.streams.keys()) this.refetch(name);
    });
    socket.addEventListener("message", (message) => this.hear(JSON.parse(message.data)));
    socket.addEventListener("close", (event) => {
      this.open = false;
      this.closedAt ??= this.now();
      if (event.code === NOT_ALLOWED) return this.refuse("not_allowed");
      // This session is over; the answer tells whether its person has signed in anew.
      if (event.code === SIGNED_OUT) [...this.streams.keys()].slice(0, 1).forEach((name) => this.refetch(name));
      this.attempts += 1;
      setTimeout(() => this.connect(), Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.attempts) * (0.75 + Math.random() / 2));
    });
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    const stream = this.streams.get(message.stream);
    if (!stream) return; // of a stream given up meanwhile
    stream.heardAt = performance.now();
    if (message.type === "refused") return this.refuseStream(stream, message.reason);
    if (message.type === "problem") return stream.held.trouble(message.what, message.since, this.now());
    if (message.type !== "snapshot" && message.type !== "still") return;
    this.say({ type: "seen", stream: message.stream });
    if (this.skew === null) this.refetch(message.stream); // it also tells the server's clock
    this.away.redis = this.away.server = null;
    if (message.type === "snapshot") return this.take(stream, message.snapshot);
    if (this.paused) return;
    if (stream.held.still(message.snapshot, this.now()) === "unknown") this.refetch(message.stream);
  }

  take(stream, snapshot) {
    if (this.paused && stream.held.snapshot) return;
    if (stream.held.take(snapshot, this.now())) this.tell("snapshot", stream.held);
  }

  pause(paused) {
    this.paused = paused;
    this.pausedAt = paused ? this.now() : null;
    this.say({ type: paused ? "pause" : "resume" });
    if (!paused) for (const name of this.streams.keys()) this.refetch(name);
  }

  look() {
    if (this.refused) return;
    const now = performance.now();
    for (const [name, stream] of this.streams) {
      const wanted = !stream.held.refused && !(this.paused && stream.held.snapshot);
      if (wanted && now - stream.heardAt > SILENCE_MS && now - stream.askedAt >= POLL_MS) this.refetch(name);
    }
  }

  async refetch(name) {
    const stream = this.streams.get(name);
    if (!stream) return;
    stream.askedAt = performance.now();
    let response;
    try {
      response = await fetch(`${this.snapshotUrl}?stream=${encodeURIComponent(name)}`, { headers: { Accept: "application/json" } });
      const told = Number(response.headers.get("X-Server-Now"));
      if (told) this.skew = told - Date.now();
      await this.answered(stream, response);
    } catch (problem) {
      if (response) throw problem;
      this.away.server ??= this.now();
    }
  }

  async answered(stream, response) {
    if (response.status === 401) return this.refuse("signed_out");
    this.away.server = response.status >= 500 && response.status !== 503 ? (this.away.server ?? this.now()) : null;
    this.away.redis = response.status === 503 ? (this.away.redis ?? this.now()) : null;
    if (response.status === 400 || response.status === 403) {
      const { reason } = await response.json();
      return reason ? this.refuseStream(stream, reason) : this.refuse("not_allowed");
    }
    if (response.status === 204) stream.held.missing = true;
    if (response.status === 200) this.take(stream, await response.json());
  }

  refuseStream(stream, reason) {
    stream.held.refuse(reason);
    this.tell("refused", stream.held);
  }

  refuse(why) {
    this.refused = why;
    this.socket?.close();
    this.tell("closed", why);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
