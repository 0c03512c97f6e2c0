import assert from "node:assert/strict";
import { test } from "node:test";
import { Beacons } from "../../../static/js/player/beacons.js";
import { Timeline } from "../../../static/js/player/timeline.js";
import { film } from "./film.js";

const fresh = () => new Beacons(new Timeline(film));
const types = (events) => events.map((event) => event.type);
const ofAds = (events) => events.filter((event) => event.type.startsWith("ad."));
const counted = (events) => types(ofAds(events)).filter((type) => type !== "ad.heartbeat");

function play(beacons, from, to, step = 0.25, inView = false) {
  const events = [];
  for (let t = from; t <= to + 1e-9; t += step) events.push(...beacons.step(t, true, inView));
  return events;
}

test("an ad watched from start to end sends one impression and every quartile once, in order", () => {
  const events = ofAds(play(fresh(), 14, 23)).filter((event) => event.token === "token-b1-1");
  assert.deepEqual(types(events), ["ad.impression", "ad.start", "ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.heartbeat", "ad.complete"]);
});

test("the same holds at any step of the clock", () => {
  for (const step of [0.016, 0.1, 0.5, 1, 2.2]) {
    const complete = types(play(fresh(), 14, 33, step)).filter((type) => type === "ad.complete" || type === "ad.impression");
    assert.deepEqual(complete, ["ad.impression", "ad.complete", "ad.impression", "ad.complete"], `step ${step}`);
  }
});

test("nothing is counted while paused, seeking or waiting", () => {
  const beacons = fresh();
  for (let t = 14; t < 23; t += 0.25) assert.deepEqual(beacons.step(t, false), []);
});

test("an ad that was published but never reached has no impression", () => {
  assert.deepEqual(ofAds(play(fresh(), 0, 15.75)), []);
});

test("a jump inside an ad costs the quartiles that were not watched", () => {
  const beacons = fresh();
  play(beacons, 14, 17);
  beacons.jump(21);
  assert.deepEqual(counted(play(beacons, 21, 21.9)), []);
});

test("an ad entered in the middle gives an impression and no quartile", () => {
  const beacons = fresh();
  beacons.jump(19);
  assert.deepEqual(counted(play(beacons, 19, 21.9)), ["ad.impression", "ad.start"]);
});

test("a repeated ad sends nothing twice", () => {
  const beacons = fresh();
  play(beacons, 14, 23);
  beacons.jump(15);
  const again = ofAds(play(beacons, 15, 21.9)).filter((event) => event.token === "token-b1-1");
  assert.deepEqual(types(again), []);
});

test("a skip ends the ad: no completion afterwards, and it counts as seen", () => {
  const beacons = fresh();
  play(beacons, 14, 21.5);
  assert.deepEqual(types(beacons.skip(beacons.timeline.itemAt(21.5))), ["ad.skip"]);
  assert.deepEqual(types(play(beacons, 21.5, 22.5)).filter((type) => type === "ad.complete"), []);
  assert.ok(beacons.seen.has("b1/1"));
  assert.deepEqual(beacons.skip(beacons.timeline.items[2]), []);
});

test("muting is told only inside an ad that has begun", () => {
  const beacons = fresh();
  assert.deepEqual(beacons.adAction("mute", 10), []);
  play(beacons, 14, 17);
  assert.deepEqual(types(beacons.adAction("mute", 17)), ["ad.mute"]);
});

test("scenes begin and end once, with the seconds watched", () => {
  const events = play(fresh(), 0, 33).filter((event) => event.type.startsWith("playback.scene"));
  assert.deepEqual(
    events.map((event) => [event.type, event.data.scene, event.data.watched]),
    [["playback.scene_start", 1, undefined], ["playback.scene_end", 1, 8], ["playback.scene_start", 2, undefined], ["playback.scene_end", 2, 8], ["playback.scene_start", 3, undefined]],
  );
});

test("a jump out of a scene ends it there, and a jump inside it does not", () => {
  const beacons = fresh();
  play(beacons, 0, 3);
  assert.deepEqual(types(beacons.jump(6)), []);
  play(beacons, 6, 7);
  const [end] = beacons.jump(33);
  assert.deepEqual([end.type, end.data.watched, end.data.completed, end.position.offset], ["playback.scene_end", 4, false, 7]);
});

test("the end of the media ends the last scene although its last hundredths never came", () => {
  const beacons = fresh();
  play(beacons, 30, 39.9, 0.1);
  const [end] = beacons.finish();
  assert.deepEqual([end.type, end.data.scene, end.data.completed], ["playback.scene_end", 3, true]);
  assert.deepEqual(beacons.finish(), []);
});

test("a late look at a playhead that stands at the end begins no scene again", () => {
  const beacons = fresh();
  play(beacons, 30, 39, 0.1);
  const ends = beacons.finish().filter((event) => event.type === "playback.scene_end");
  assert.deepEqual(ends.map((event) => event.data.completed), [true]);
  assert.deepEqual(beacons.step(40.02, true), []);
  assert.deepEqual(beacons.leave(), []);
  beacons.jump(30);
  assert.deepEqual(types(beacons.step(30.5, true)), ["playback.scene_start"]);
});

test("playback starts once, at the first real advance", () => {
  const beacons = fresh();
  assert.deepEqual(beacons.step(0, true), []);
  assert.equal(types(play(beacons, 0.25, 5)).filter((type) => type === "playback.start").length, 1);
});

test("the timeline may grow in the middle of an ad", () => {
  const beacons = fresh();
  const first = play(beacons, 14, 18);
  beacons.replace(new Timeline({ ...film, version: 4 }));
  const all = types(ofAds([...first, ...play(beacons, 18.25, 22.25)]));
  assert.equal(all.filter((type) => type === "ad.impression").length, 2);
  assert.ok(all.includes("ad.complete"));
});

test("ads that a viewer seeks over are given back once, those that were begun or only missed are not", () => {
  const beacons = fresh();
  play(beacons, 0, 2);
  assert.deepEqual(counted(beacons.jump(40)), [], "a playhead that jumped by itself leaves nothing out");
  beacons.jump(2);
  const left = ofAds(beacons.jump(40, { sought: true }));
  assert.ok(left.length > 0);
  assert.ok(left.every((event) => event.type === "ad.not_used" && event.token));
  beacons.jump(2);
  assert.deepEqual(ofAds(beacons.jump(40, { sought: true })), []);
  const other = fresh();
  play(other, 14, 17);
  assert.ok(!ofAds(other.jump(40, { sought: true })).some((event) => event.token === "token-b1-1"));
});

test("whoever stands still keeps what is reserved: the ad on screen and those ahead, none that is over", () => {
  const beacons = fresh();
  const published = film.items.filter((item) => item.kind === "ad").map((item) => item.token);
  assert.deepEqual(beacons.keep(0).map((event) => event.token), published);
  play(beacons, 14, 23);
  const kept = beacons.keep(23);
  assert.ok(!kept.some((event) => event.token === "token-b1-1"));
  assert.deepEqual([...new Set(types(kept))], ["ad.heartbeat"]);
});

test("an ad whose clip cannot be had is reported once with its code and counts as seen", () => {
  const beacons = fresh();
  const ad = film.items.find((item) => item.kind === "ad");
  const [event, ...more] = beacons.fail(ad, ad.t0 - 1, 401);
  assert.equal(event.type, "ad.error");
  assert.equal(event.data.code, 401);
  assert.deepEqual(more, []);
  assert.deepEqual(beacons.fail(ad, ad.t0, 401), []);
  assert.deepEqual(counted(play(beacons, ad.t0, ad.t0 + 1)), []);
});

const inView = (beacons, from, to, step) => types(play(beacons, from, to, step, true)).filter((type) => type === "ad.viewable").length;
const outOfView = (beacons, from, to) => types(play(beacons, from, to)).filter((type) => type === "ad.viewable").length;

test("an ad is viewable once, when two seconds of it were in view in a row", () => {
  for (const step of [0.016, 0.25, 1]) {
    const beacons = fresh();
    assert.equal(inView(beacons, 14, 17.9, step), 0, `too early at step ${step}`);
    assert.equal(inView(beacons, 18, 21.9, step), 1, `step ${step}`);
  }
});

test("an ad in a hidden page, or with less than half of it on screen, is never viewable", () => {
  assert.equal(outOfView(fresh(), 14, 33), 0);
});

test("being in view begins anew after it was interrupted", () => {
  const hidden = fresh();
  assert.equal(inView(hidden, 14, 17.5) + outOfView(hidden, 17.75, 17.75) + inView(hidden, 18, 19.75), 0);
  const paused = fresh();
  assert.equal(inView(paused, 14, 17.5), 0);
  paused.step(17.5, false, true);
  assert.equal(inView(paused, 17.75, 19.25), 0);
  assert.equal(inView(paused, 19.5, 21), 1);
  const jumped = fresh();
  assert.equal(inView(jumped, 14, 17.5), 0);
  jumped.jump(18);
  assert.equal(inView(jumped, 18, 19.75), 0);
});

test("what passed before a hidden page was shown again is not taken as seen", () => {
  const beacons = fresh();
  beacons.step(16, true, false);
  assert.equal(types(beacons.step(18.4, true, true)).filter((type) => type === "ad.viewable").length, 0);
});

test("a look a hair before a scene's end ends it once", () => {
  const beacons = fresh();
  const events = [...play(beacons, 0, 7.75), ...beacons.step(7.9995, true), ...beacons.step(8.015, true)];
  const ofFirst = events.filter((event) => event.data?.scene === 1).map((event) => event.type);
  assert.deepEqual(ofFirst, ["playback.scene_start", "playback.scene_end"]);
});
