import assert from "node:assert/strict";
import { test } from "node:test";

// What a browser has and Node has not: enough of it for a line to be opened, cut and opened again.
const sockets = [];
class Socket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  constructor(url) {
    super();
    Object.assign(this, { url, readyState: 0, sent: [] });
    sockets.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close(code = 1006) {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
  opened() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  hears(event) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(event) }));
  }
}
globalThis.WebSocket = Socket;
globalThis.addEventListener ??= () => {};
const { Line } = await import("../../../static/js/insights/line.js");
const { tableText } = await import("../../../static/js/insights/actions.js");

const line = () => new Line({ socketUrl: "ws://x/", askUrl: "/api/v1/ask", stageMs: 60_000, token: "t" });
const asked = (one, id = "12345678") => {
  const told = [];
  one.ask({ id, question: "q" }, (event) => told.push(event));
  return told;
};
const moment = () => new Promise((done) => setTimeout(done, 300));

test("a question waits for the socket, and its stages come in order and once", () => {
  const one = line();
  const told = asked(one);
  const socket = sockets.at(-1);
  socket.opened();
  assert.deepEqual(socket.sent, [{ type: "ask", after: 0, id: "12345678", question: "q" }]);
  for (const seq of [1, 2, 2, 1]) socket.hears({ type: "stage", id: "12345678", seq, stage: "plan", ms: 1, data: {} });
  socket.hears({ type: "stage", id: "another", seq: 3 });
  socket.hears({ type: "done", id: "12345678", seq: 3, answer: {} });
  assert.deepEqual(told.map(({ type, seq }) => [type, seq]), [["stage", 1], ["stage", 2], ["done", 3]]); // prettier-ignore
});

test("after a lost connection the same question is sent again from where it was", async () => {
  const one = line();
  const told = asked(one);
  sockets.at(-1).opened();
  sockets.at(-1).hears({ type: "stage", id: "12345678", seq: 1, stage: "understood", ms: 1, data: {} });
  sockets.at(-1).close();
  await moment();
  sockets.at(-1).opened();
  assert.deepEqual(sockets.at(-1).sent, [{ type: "ask", after: 1, id: "12345678", question: "q" }]);
  sockets.at(-1).hears({ type: "done", id: "12345678", seq: 2, answer: {} });
  assert.equal(told.at(-1).type, "done");
});

test("where no socket can be had the question goes over HTTP, with the same id", async () => {
  const posted = [];
  globalThis.fetch = async (url, { body }) => {
    posted.push([url, JSON.parse(body)]);
    return { ok: true, json: async () => ({ text: "x" }) };
  };
  const one = line();
  const told = asked(one);
  for (const wait of [300, 800, 0]) {
    sockets.at(-1).close();
    await new Promise((done) => setTimeout(done, wait));
  }
  await moment();
  assert.deepEqual(posted, [["/api/v1/ask", { id: "12345678", question: "q" }]]);
  assert.deepEqual(told, [{ type: "done", id: "12345678", answer: { text: "x" } }]);
});

test("somebody signed out is told so, and not tried again", () => {
  const one = line();
  const told = asked(one);
  const before = sockets.length;
  sockets.at(-1).opened();
  sockets.at(-1).close(4401);
  assert.match(told[0].reason, /signed out/);
  assert.equal(sockets.length, before);
});

test("a cancelled question is over at once, whatever the server still says", () => {
  const one = line();
  const told = asked(one);
  sockets.at(-1).opened();
  one.cancel();
  assert.deepEqual(sockets.at(-1).sent.at(-1), { type: "cancel", id: "12345678" });
  sockets.at(-1).hears({ type: "done", id: "12345678", seq: 1, answer: {} });
  assert.deepEqual(told.map(({ type }) => type), ["cancelled"]);
});

test("a copied table runs nothing in a spreadsheet, and its figures stay figures", () => {
  const columns = [{ label: "campaign", role: "dimension" }, { label: "+/-", role: "measure" }, { label: "verdict", role: "measure" }];
  const names = ["-2+3+cmd|calc", "=1+1", "+1", "@SUM(1)", "\t=1", "\rx", "  -1", "Spring - 2"];
  const rows = names.map((name) => [name, -2.5, "-1+1"]);
  const lines = tableText({ columns, rows, cells: rows.map(([name]) => [name, "-2.5 %", "-1+1"]) }).split("\n");
  const copied = ["'-2+3+cmd|calc", "'=1+1", "'+1", "'@SUM(1)", "' =1", "' x", "'  -1", "Spring - 2"];
  assert.deepEqual(lines, ["campaign\t'+/-\tverdict", ...copied.map((name) => `${name}\t-2.5 %\t'-1+1`)]);
});
