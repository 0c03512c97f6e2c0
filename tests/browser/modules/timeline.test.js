import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline, adKey, clock, countdown, passOver, resolveSeek } from "../../../static/js/player/timeline.js";
import { film } from "./film.js";

const timeline = new Timeline(film);

test("film time leaves the ads out and stands still inside them", () => {
  assert.equal(timeline.filmDuration, 36);
  for (const [t, expected] of [[0, 0], [12, 12], [16, 16], [23, 16], [29.9, 16], [30, 16], [35, 21], [45, 26], [55, 31], [99, 36]]) {
    assert.equal(timeline.filmAt(t), expected, `at ${t}`);
  }
});

test("every film second leads back to itself", () => {
  for (let second = 0; second < 36; second += 0.5) assert.ok(Math.abs(timeline.filmAt(timeline.sceneAtFilm(second).t) - second) < 0.06);
});

test("a position is a scene and an offset, in a break the end of the scene before", () => {
  assert.deepEqual(timeline.positionAt(10.5), { scene: 2, offset: 2.5 });
  assert.deepEqual(timeline.positionAt(20), { scene: 2, offset: 8 });
  assert.equal(new Timeline({}).positionAt(3), null);
});

test("ads that follow one another under one id are one break, and foreseen breaks are marked too", () => {
  const breaks = timeline.breaks();
  assert.deepEqual(breaks.map((pod) => [pod.id, pod.film, pod.published, pod.ads.length]), [["b1", 16, true, 2], ["b2", 26, false, 1]]);
});

test("going back is free, and so is going on within the scene", () => {
  assert.deepEqual(resolveSeek(timeline, { from: 35, film: 4, seen: new Set() }), { kind: "go", t: 4 });
  assert.deepEqual(resolveSeek(timeline, { from: 2, film: 12, seen: new Set() }), { kind: "go", t: 12 });
});

test("a seek over an unseen ad leads to the ad, and on to the target afterwards", () => {
  const found = resolveSeek(timeline, { from: 2, film: 20, seen: new Set() });
  assert.deepEqual(found, { kind: "ad", t: 16, then: { scene: 3, offset: 4 } });
});

test("of a break half seen, the first unseen ad is owed; a seen break is passed over", () => {
  const [first, second] = timeline.items.filter((item) => item.kind === "ad");
  assert.equal(resolveSeek(timeline, { from: 2, film: 20, seen: new Set([adKey(first)]) }).t, 22);
  assert.deepEqual(resolveSeek(timeline, { from: 2, film: 20, seen: new Set([adKey(first), adKey(second)]) }), { kind: "go", t: 34 });
});

test("of several unseen breaks only the last is owed", () => {
  const longer = new Timeline({ ...film, items: [...film.items, { ...film.items[2], t0: 40, t1: 46, break_id: "b2" }, { ...film.items[0], t0: 46, t1: 56, id: 4 }], foreseen: [] });
  assert.equal(resolveSeek(longer, { from: 2, film: 30, seen: new Set() }).t, 40);
});

test("what is not published is asked of the server", () => {
  assert.deepEqual(resolveSeek(timeline, { from: 2, film: 30, seen: new Set() }), { kind: "ask", position: { scene: 4, offset: 4 } });
});

test("running into seen ads leads past all of them in a row", () => {
  const [first, second] = timeline.items.filter((item) => item.kind === "ad");
  assert.equal(passOver(timeline, first, new Set()), null);
  assert.equal(passOver(timeline, first, new Set([adKey(first)])), 22);
  assert.equal(passOver(timeline, first, new Set([adKey(first), adKey(second)])), 30);
});

test("times read as people read them", () => {
  assert.deepEqual([0, 59.9, 60, 3599, 3661].map(clock), ["0:00", "0:59", "1:00", "59:59", "1:01:01"]);
  assert.deepEqual([12, 11.98, 11.2, 0.4, 0].map(countdown), ["0:12", "0:12", "0:12", "0:01", "0:00"]);
});
