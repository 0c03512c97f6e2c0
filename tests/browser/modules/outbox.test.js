import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVtt } from "../../../static/js/player/captions.js";
import { milliseconds, uuid7 } from "../../../static/js/player/ids.js";
import { Outbox } from "../../../static/js/player/outbox.js";

test("events are numbered, sent once, and forgotten when acknowledged", () => {
  const outbox = new Outbox(100);
  for (const type of ["a", "b", "c"]) outbox.add({ type });
  assert.deepEqual(outbox.take(0).map((event) => event.seq), [101, 102, 103]);
  assert.deepEqual(outbox.take(10), []);
  outbox.acknowledge(102);
  assert.deepEqual(outbox.parcels().flat().map((event) => event.type), ["c"]);
});

test("what was not acknowledged goes again after a lost connection, unchanged and before anything newer", () => {
  const outbox = new Outbox();
  for (const id of ["x", "y"]) outbox.add({ type: "a", id });
  outbox.take(0);
  outbox.acknowledge(1);
  outbox.add({ type: "a", id: "z" });
  outbox.unsent();
  assert.deepEqual(outbox.take(9000, { count: 1 }).map((event) => event.id), ["y"]);
  assert.deepEqual(outbox.take(9000).map((event) => event.id), ["z"]);
});

test("answers are timed from the sending, and silence from the oldest event without one", () => {
  const outbox = new Outbox();
  assert.equal(outbox.unansweredSince, null);
  outbox.add({ type: "a" });
  assert.equal(outbox.unansweredSince, null, "nothing was sent yet");
  outbox.take(1000);
  outbox.add({ type: "b" });
  outbox.take(1400);
  assert.equal(outbox.unansweredSince, 1000);
  assert.equal(outbox.acknowledge(1), 1000);
  assert.equal(outbox.unansweredSince, 1400);
  assert.equal(outbox.acknowledge(2), 1400);
  assert.equal(outbox.acknowledge(2), null);
});

test("last words fit a beacon: in order, in parcels, and without heartbeats where they are too many", () => {
  const outbox = new Outbox();
  for (const type of ["playback.pause", "playback.heartbeat", "playback.leave"]) outbox.add({ type });
  const types = (parcels) => parcels.map((events) => events.map((event) => event.type));
  assert.deepEqual(types(outbox.parcels({ most: 2 })), [["playback.pause", "playback.heartbeat"], ["playback.leave"]]);
  assert.deepEqual(types(outbox.parcels({ bytes: 60 })), [["playback.pause", "playback.leave"]]);
  assert.deepEqual(new Outbox().parcels(), []);
});

test("over HTTP exactly what was sent is removed", () => {
  const outbox = new Outbox();
  outbox.add({ type: "a" });
  const sent = outbox.take(0);
  outbox.add({ type: "b" });
  outbox.remove(sent);
  assert.deepEqual(outbox.parcels().flat().map((event) => event.type), ["b"]);
});

test("ids are UUIDv7 of the given time", () => {
  const id = uuid7(1795285000123);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(parseInt(id.replace("-", "").slice(0, 12), 16), 1795285000123);
  assert.notEqual(uuid7(1), uuid7(1));
});

test("the server's clock is read in any of its spellings", () => {
  assert.equal(milliseconds("2026-11-21T18:00:00+00:00"), 1795284000000);
  assert.equal(milliseconds(1795284000), 1795284000000);
  assert.equal(milliseconds(1795284000000), 1795284000000);
});

test("WebVTT cues are read with or without hours, names and markup, and broken ones are passed over", () => {
  const text = "WEBVTT\n\nNOTE hello\n\n1\n00:00.500 --> 00:02.500 line:90%\n<i>Wind</i>\nand rain\n\n01:00:00.000 --> 01:00:01.000\nLate\n\nx --> y\nNever\n";
  assert.deepEqual(parseVtt(text), [
    { start: 0.5, end: 2.5, text: "Wind\nand rain" },
    { start: 3600, end: 3601, text: "Late" },
  ]);
});
