// One socket, reconnected with back-off; while it is away, or silent, the last snapshot is read over HTTP.

const SILENCE_MS = 3500;
const POLL_MS = 5000;
const LONGEST_WAIT_MS = 20000;

export class FeedLine extends EventTarget {
  constructor(socketUrl, snapshotUrl) {
    super();
    this.socketUrl = socketUrl;
    this.snapshotUrl = snapshotUrl;
    this.version = [0, 0];
    this.attempts = 0;
    this.skew = 0; // server clock minus ours
    this.heardAt = 0;
    this.paused = false;
    this.refused = false;
  }

  start() {
    this.refetch();
    this.connect();
    setInterval(() => this.watch(), POLL_MS);
  }

  connect() {
    if (this.refused) return;
    const socket = new WebSocket(this.socketUrl);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.attempts = 0;
      if (this.paused) this.say("pause");
      this.tell("open");
    });
    socket.addEventListener("message", (message) => this.hear(JSON.parse(message.data)));
    socket.addEventListener("close", (event) => {
      if (event.code === 4403) return this.refuse("not_allowed");
      this.attempts += 1;
      const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.attempts) * (0.75 + Math.random() / 2);
      this.tell("closed", { wait });
      setTimeout(() => this.connect(), wait);
    });
  }

  say(type) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type }));
  }

  hear(message) {
    this.heardAt = performance.now();
    if (message.type === "problem") return this.tell("problem", message);
    if (message.type !== "snapshot" && message.type !== "still") return;
    this.socket.send(JSON.stringify({ type: "seen", stream: message.stream }));
    if (message.type === "snapshot") return this.take(message.snapshot);
    // Nothing but its age has changed, if what we hold is what is meant.
    if (this.last?.content === message.snapshot.content) this.take({ ...this.last, ...message.snapshot });
    else this.refetch();
  }

  take(snapshot) {
    const [fence, n] = snapshot.version;
    if (this.paused || fence < this.version[0] || (fence === this.version[0] && n <= this.version[1])) return;
    this.version = snapshot.version;
    this.last = snapshot;
    this.tell("snapshot", snapshot);
  }

  pause(paused) {
    this.paused = paused;
    this.say(paused ? "pause" : "resume");
    if (!paused) this.refetch();
  }

  watch() {
    if (!this.paused && !this.refused && performance.now() - this.heardAt > SILENCE_MS) this.refetch();
  }

  async refetch() {
    let response;
    try {
      response = await fetch(this.snapshotUrl, { headers: { Accept: "application/json" } });
    } catch {
      return; // The socket's own back-off already tells that the server is away.
    }
    if (response.status === 401) return this.refuse("signed_out");
    if (response.status === 403) return this.refuse("not_allowed");
    if (response.status !== 200) return this.tell("missing", { status: response.status });
    const now = Number(response.headers.get("X-Server-Now"));
    if (now) this.skew = now - Date.now();
    this.take(await response.json());
  }

  refuse(why) {
    this.refused = true;
    this.socket?.close();
    this.tell("refused", { why });
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
