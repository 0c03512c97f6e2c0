import assert from "node:assert/strict";
import { test } from "node:test";
import { Frames, Stalls } from "../../../static/js/player/quality.js";

test("dropped frames are told since the last look, and counted anew when the browser does", () => {
  const frames = new Frames();
  assert.deepEqual([3, 3, 10, 2, 2].map((total) => frames.since(total)), [3, 0, 7, 2, 0]);
});

test("a stall is told when it begins and when it ends, with its milliseconds", () => {
  const stalls = new Stalls(120);
  stalls.begin(1000);
  assert.equal(stalls.step(1100), null);
  assert.deepEqual(stalls.step(1130), { phase: "begin", milliseconds: 0 });
  assert.equal(stalls.step(1200), null, "once");
  stalls.begin(1300);
  assert.deepEqual(stalls.end(1850.4), { phase: "end", milliseconds: 850 });
  assert.equal(stalls.end(1900), null);
});

test("a wait too short to notice is no stall, and neither is the time after a pause or a jump", () => {
  const stalls = new Stalls(120);
  stalls.begin(1000);
  assert.equal(stalls.end(1100), null);
  stalls.begin(2000);
  stalls.step(2200);
  assert.deepEqual(stalls.end(2300), { phase: "end", milliseconds: 300 });
  assert.equal(stalls.step(9000), null);
  assert.equal(stalls.end(9000), null);
});
