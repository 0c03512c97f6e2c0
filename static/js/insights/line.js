// The way to the server: a socket that tells an answer stage by stage, and plain HTTP where no socket can be had. A question has an id of its own
// from here on, so that it may be sent again over either and is answered and stored once.

const OPENS_MS = 4000;
const TRIES = 3;
const SIGNED_OUT = 4401;
const NOT_ALLOWED = 4403;
const FLOODING = 4429;
const GONE = "You are signed out. Reload the page to sign in again.";
const MAY_NOT = "You may not ask here any more. An administrator can add you to a group that may.";
const TOO_MUCH = "That was too much at once. Please wait a moment.";
const AWAY = "The server can't be reached just now.";

export class Line {
  /** ``stageMs``: the server names a stage that takes longer, so a longer silence is a lost connection. */
  constructor({ socketUrl, askUrl, stageMs, token }) {
    Object.assign(this, { socketUrl, askUrl, silenceMs: stageMs + 5000, token });
    this.pending = null;
    this.socket = null;
    this.wait = null;
    addEventListener("online", () => this.pending && this.#again());
  }

  /** ``tell(event)`` hears {type: stage|done|failed|cancelled, ...}; the last is one of the latter three. */
  ask(sent, tell) {
    this.pending = { sent, tell, seq: 0, tries: 0 };
    this.#send();
  }

  cancel() {
    const { pending } = this;
    if (!pending) return;
    if (pending.abort) pending.abort.abort();
    else if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "cancel", id: pending.sent.id }));
    // Whatever the server still does with it, nobody here waits for it.
    this.#take({ type: "cancelled", id: pending.sent.id, reason: "Cancelled." });
  }

  /** Opened before it is needed, so that the first question does not wait for it. */
  open() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const socket = (this.socket = new WebSocket(this.socketUrl));
    const late = setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), OPENS_MS);
    socket.addEventListener("open", () => {
      clearTimeout(late);
      if (this.pending && !this.pending.abort) this.#send();
    });
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(late);
      if (this.socket !== socket) return;
      this.socket = null;
      if (this.pending && !this.pending.abort) this.#lost(code);
    });
  }

  #send() {
    const { pending, socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) return this.open();
    socket.send(JSON.stringify({ type: "ask", after: pending.seq, ...pending.sent }));
    return this.#listen();
  }

  #listen() {
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.pending && this.#again(), this.silenceMs);
  }

  #again() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
    this.#lost(0);
  }

  #lost(code) {
    clearTimeout(this.wait);
    const { pending } = this;
    const words = { [SIGNED_OUT]: GONE, [NOT_ALLOWED]: MAY_NOT, [FLOODING]: TOO_MUCH }[code];
    if (words) return this.#take({ type: "failed", id: pending.sent.id, reason: words });
    pending.tries += 1;
    if (pending.tries >= TRIES) return this.#post();
    this.wait = setTimeout(() => this.pending === pending && this.open(), 250 * 3 ** (pending.tries - 1));
    return undefined;
  }

  #take(event) {
    const { pending } = this;
    if (!pending || event.id !== pending.sent.id || (event.seq && event.seq <= pending.seq)) return;
    pending.seq = event.seq ?? pending.seq;
    pending.tries = 0;
    if (event.type === "stage") this.#listen();
    else {
      clearTimeout(this.wait);
      this.pending = null;
    }
    pending.tell(event);
  }

  async #post() {
    const { pending } = this;
    const { id } = pending.sent;
    pending.abort = new AbortController();
    try {
      const response = await fetch(this.askUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
        body: JSON.stringify(pending.sent),
        signal: AbortSignal.any([pending.abort.signal, AbortSignal.timeout(6 * this.silenceMs)]),
      });
      if (response.ok) this.#take({ type: "done", id, answer: await response.json() });
      else this.#take({ type: "failed", id, reason: await trouble(response) });
    } catch {
      this.#take({ type: "failed", id, reason: AWAY });
    }
  }
}

/** What went wrong, in words, of an answer that is not one. */
export async function trouble(response) {
  if (response.status === 429) return "That was a lot of questions in a short time. Please wait a minute.";
  if (response.status === 401 || response.status === 403) return "You are signed out, or may not do this. Reload the page to sign in again.";
  const said = await response.json().catch(() => ({}));
  const first = said.detail ?? Object.values(said)[0];
  const words = Array.isArray(first) ? first[0] : first;
  if (response.status < 500 && typeof words === "string") return words;
  return "Something went wrong on our side. It has been logged; please try again.";
}
