import assert from "node:assert/strict";
import { test } from "node:test";
import { arc, pointAt } from "../../../static/js/player/director/gauge.js";
import { Trend } from "../../../static/js/player/director/trend.js";
import { changeWords, headline, readingSeconds, responseWords, versionWords } from "../../../static/js/player/director/words.js";
import { Timeline, fullOffset } from "../../../static/js/player/timeline.js";
import { ad, film, scene } from "./film.js";

test("a decision is told with the scene it is about, and actions of tomorrow are told too", () => {
  const names = new Map([[4, "Yellow"]]);
  assert.equal(headline({ action: "bring_forward", scene: 4 }, names), "Brought a scene forward: Yellow");
  assert.equal(headline({ action: "shorten_break", scene: 4 }, names), "Shortened the ad break");
  assert.equal(headline({ action: "suggest", scene: 4, title: { name: "Tide" } }, names), "Suggested another film: Tide");
  assert.equal(headline({ action: "play_twice", scene: 4 }, names), "play twice");
});

test("changes, times and versions are words for whoever cannot see them, and what is not known is not said", () => {
  assert.equal(changeWords({ name: "Yellow", change: "bring_forward", reason: "it holds better" }), "Yellow. Brought forward: it holds better");
  assert.equal(changeWords({ name: "Ads", change: "move_break", reason: "" }), "Ad break moved");
  assert.equal(responseWords({ prediction: 0.42, decision: undefined, roundTrip: 23.6 }), "Prediction 0.4 ms, there and back 24 ms");
  assert.equal(responseWords({}), "");
  assert.equal(versionWords({ model_version: 4, leave_version: null, policy_version: 2 }), "engagement 4, policy 2");
  assert.equal(readingSeconds("Two words"), 6);
  assert.equal(readingSeconds("word ".repeat(90)), 16);
});

test("the gauge runs from left over the top to right", () => {
  const circle = { cx: 100, cy: 100, r: 80 };
  assert.deepEqual([0, 0.5, 1, 7].map((share) => pointAt(share, circle)), [[20, 100], [100, 20], [180, 100], [180, 100]]);
  assert.equal(arc(0, 0.5, circle), "M20 100 A80 80 0 0 1 100 20");
});

test("the trend keeps the last minutes, with its interval and the moments of change", () => {
  const trend = new Trend(100);
  trend.add(0, { value: 0.1 });
  trend.add(50, { value: 0.5, low: 0.4, high: 0.6 });
  trend.mark(60);
  trend.add(110, { value: 0.25, low: 0.25, high: null });
  assert.deepEqual(trend.points.map((point) => point.at), [50, 110]);
  assert.deepEqual(trend.drawn(110, 200, 40), { line: "M80 20 L200 30", band: "M80 16 L200 30 L200 30 L80 24 Z", marks: [100] });
  assert.equal(trend.words(), "Over the last 60 seconds, from 50 % to 25 %.");
});

test("what was changed is listed once each, in playing order, published or foreseen", () => {
  const moved = { change: "move_break", reason: "too soon" };
  const timeline = new Timeline({
    items: [scene(0, 8, 1), { ...scene(8, 16, 3), change: "bring_forward", reason: "stronger" }, { ...ad(16, 22, 1), ...moved }, { ...ad(22, 30, 2), ...moved }],
    foreseen: [{ ...scene(30, 40, 2), change: "tighten", reason: "it drags" }],
  });
  assert.deepEqual(timeline.changed().map(({ change, at }) => [change, at]), [["bring_forward", 12], ["move_break", 16], ["tighten", 21]]);
  assert.deepEqual(new Timeline(film).changed(), []);
});

test("a position counts in the full scene also where its tight cut plays", () => {
  const tight = { ...scene(10, 14, 7), cut: "tight", dropped: [[2, 4]] };
  const timeline = new Timeline({ items: [tight] });
  assert.deepEqual([0, 1.9, 2, 3].map((played) => fullOffset(tight, played)), [0, 1.9, 4, 5]);
  assert.deepEqual(timeline.positionAt(13), { scene: 7, offset: 5 });
  assert.deepEqual([1, 3, 5].map((offset) => timeline.timeOf({ scene: 7, offset })), [11, 12, 13]);
  assert.equal(timeline.sceneAtFilm(3).offset, 5);
});
