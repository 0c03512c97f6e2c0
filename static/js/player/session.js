// One playback session as the server knows it: opening, the socket, the outbox, and the ways around a lost socket.
import { milliseconds, uuid7 } from "./ids.js";
import { Outbox } from "./outbox.js";

const FLUSH_EVERY = 400;
const POLL_EVERY = 2500;
// A server that is restarted is back soon; one that is away for long need not be asked so often.
const QUICK_RETRY = 2500;
const SLOWEST_RETRY = 10000;
const QUICK_FOR = 30000;
const AWAY_AFTER = 2500;
const POST_AGAIN_AFTER = 2500;
// A connection can be dead without anybody saying so: events that nobody acknowledges for so long prove it.
const DEAD_AFTER = 6000;

export class ServerProblem extends Error {
  /** @param {string} message for the viewer @param {number} status HTTP status, 0 when the server could not be reached */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export class Session extends EventTarget {
  constructor({ slug, device, hour, csrf, cameFrom = null }) {
    super();
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    this.wish = { title: slug, tab: tabId(), device: device || null, hour: hour === "" ? null : Number(hour), timezone, came_from: uuidOf(cameFrom) };
    this.csrf = csrf;
    this.offset = 0;
    this.planVersion = 0;
    this.failures = 0;
    this.downSince = null;
    this.closed = false;
    this.answeredAt = null;
    this.goOnline = () => this.reconnectNow();
    addEventListener("online", this.goOnline);
  }

  async open({ restart }) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": this.csrf };
    const body = JSON.stringify({ ...this.wish, restart });
    const answer = await fetch("/api/v1/playback", { method: "POST", headers, body }).catch(() => null);
    if (!answer) throw new ServerProblem("The server cannot be reached. Check the connection and try again.", 0);
    const details = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ServerProblem(details.detail ?? `The server answered ${answer.status}. Try again in a moment.`, answer.status);
    this.details = details;
    this.adopt(details.timeline);
    // The server's clock is above every number that an earlier page of this session can have used.
    this.outbox = new Outbox(Math.floor(this.now()));
    this.connect();
    this.timers = [setInterval(() => this.flush(), FLUSH_EVERY), setInterval(() => this.pollWhileAway(), POLL_EVERY)];
    return details;
  }

  get token() {
    return this.details.session_token;
  }

  now() {
    return Date.now() + this.offset;
  }

  adopt(timeline) {
    if (!timeline) return;
    this.epoch ??= timeline.epoch;
    // Its times are those of another playlist than the one on screen.
    if (timeline.epoch !== this.epoch) return this.tell("refused", { reason: "epoch_over" });
    if (timeline.server_now !== undefined) this.offset = milliseconds(timeline.server_now) - Date.now();
    this.planVersion = timeline.version ?? this.planVersion;
    this.tell("timeline", timeline);
  }

  /** Puts events into the outbox; ids and times are of the server's clock. */
  record(events) {
    for (const { type, data = {}, position = null, token } of events) {
      const now = this.now();
      const event = { v: 1, id: uuid7(now), type, occurred_at: new Date(now).toISOString(), session: this.details.session, data };
      if (position) event.position = position;
      if (token) event.token = token;
      this.outbox.add({ ...event, plan_version: this.planVersion });
    }
    if (events.some((event) => event.type.startsWith("ad."))) this.flush();
  }

  // The socket

  connect() {
    const address = new URL(this.details.socket, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    if (!address.searchParams.has("token")) address.searchParams.set("token", this.token);
    const socket = new WebSocket(address);
    this.socket = socket;
    this.dialledAt = performance.now();
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", last_seq: this.outbox.lastSeq })));
    socket.addEventListener("message", (message) => socket === this.socket && this.hear(JSON.parse(message.data)));
    socket.addEventListener("close", () => this.lost(socket));
  }

  hear(message) {
    if (message.type === "welcome") {
      if (message.server_now !== undefined) this.offset = milliseconds(message.server_now) - Date.now();
      this.failures = 0;
      this.downSince = null;
      this.welcomed = true;
      this.acknowledged(message.acked_seq ?? 0);
      this.outbox.unsent();
      this.tell("online");
      this.adopt(message.timeline);
      this.tell("recalled", message.decisions ?? []);
      this.flush();
    } else if (message.type === "ack") {
      this.acknowledged(message.seq);
    } else if (message.type === "timeline") {
      this.adopt(message.timeline ?? message);
    } else {
      this.tell(message.type, { ...message, round_trip: this.roundTrip() });
    }
  }

  acknowledged(seq) {
    this.answeredAt = this.outbox.acknowledge(seq) ?? this.answeredAt;
  }

  /** Milliseconds from sending the events that the message just heard answers; null before anything was answered. */
  roundTrip() {
    return this.answeredAt === null ? null : performance.now() - this.answeredAt;
  }

  lost(socket) {
    if (this.closed || socket !== this.socket) return;
    this.socket = null;
    this.welcomed = false;
    this.downSince ??= Date.now();
    this.outbox.unsent();
    this.failures += 1;
    const slowest = Date.now() - this.downSince < QUICK_FOR ? QUICK_RETRY : SLOWEST_RETRY;
    const wait = Math.min(slowest, 400 * 2 ** Math.min(this.failures, 6)) * (0.7 + Math.random() * 0.6);
    this.retry = setTimeout(() => this.connect(), wait);
    if (this.failures > 1) this.tell("reconnecting");
  }

  reconnectNow() {
    if (this.closed || this.socket || !this.details) return;
    clearTimeout(this.retry);
    this.connect();
  }

  /** A socket that does not answer is given up without waiting for it to close. */
  dropIfDead(now) {
    const since = this.welcomed ? this.outbox.unansweredSince : this.dialledAt;
    if (!this.socket || now - (since ?? now) < DEAD_AFTER) return;
    const { socket } = this;
    this.lost(socket);
    socket.close();
  }

  get away() {
    return !this.welcomed && (this.downSince === null ? this.failures > 0 : Date.now() - this.downSince > AWAY_AFTER);
  }

  seek(position) {
    return this.say({ type: "seek", position });
  }

  /** Says something to the server after all that was recorded before it. -> whether it could be said */
  say(message) {
    if (this.socket?.readyState !== WebSocket.OPEN || !this.welcomed) return false;
    this.flush();
    this.socket.send(JSON.stringify(message));
    return true;
  }

  // The outbox

  flush() {
    const now = performance.now();
    this.dropIfDead(now);
    if (this.welcomed && this.socket.readyState === WebSocket.OPEN) {
      const events = this.outbox.take(now);
      if (events.length) this.socket.send(JSON.stringify({ type: "events", events }));
    } else if (this.away && !this.posting) {
      this.post();
    }
  }

  async post() {
    const events = this.outbox.take(performance.now());
    if (!events.length) return;
    this.posting = true;
    const body = JSON.stringify({ session_token: this.token, events });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/api/v1/events", { method: "POST", headers, body }).catch(() => null);
    if (answer && (answer.ok || answer.status === 400)) {
      this.outbox.remove(events);
      this.posting = false;
    } else {
      this.outbox.unsent();
      setTimeout(() => (this.posting = false), POST_AGAIN_AFTER);
    }
    if (!answer) this.tell("reconnecting");
  }

  async pollWhileAway() {
    if (!this.away) return;
    const answer = await fetch(`${this.details.timeline_url.split("?")[0]}?token=${encodeURIComponent(this.token)}`).catch(() => null);
    if (answer?.ok) this.adopt(await answer.json());
    else this.tell("reconnecting");
  }

  async why(decision) {
    const answer = await fetch(`/api/v1/playback/${this.details.session}/why/${decision}?token=${encodeURIComponent(this.token)}`).catch(() => null);
    return answer?.ok ? answer.json() : null;
  }

  /** Beacons with everything that has no answer yet. Ids make repeats harmless. */
  sendRest() {
    for (const events of this.outbox?.parcels() ?? []) {
      const body = JSON.stringify({ session_token: this.token, events });
      navigator.sendBeacon("/api/v1/events", new Blob([body], { type: "text/plain" }));
    }
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.sendRest();
    clearTimeout(this.retry);
    removeEventListener("online", this.goOnline);
    for (const timer of this.timers ?? []) clearInterval(timer);
    this.socket?.close();
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** An address can be typed by hand: what is no UUID is nobody's decision. */
const uuidOf = (text) => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? "") ? text : null);

/** A second tab is a session of its own; a reload is not. */
function tabId() {
  const kept = sessionStorage.getItem("tab") ?? crypto.randomUUID();
  sessionStorage.setItem("tab", kept);
  return kept;
}
