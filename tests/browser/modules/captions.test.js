import assert from "node:assert/strict";
import { test } from "node:test";
import { Captions } from "../../../static/js/player/captions.js";

const vtt = (words) => `WEBVTT\n\n00:00.000 --> 00:04.000\n${words}\n`;
const captions = () => {
  const made = new Captions({ hidden: true, textContent: "" }, { getItem: () => "on", setItem: () => {} });
  return [made, (t) => (made.render(t), made.element.textContent)];
};

test("a clip's captions stand where the clip stands on the playlist", async () => {
  const [made, shownAt] = captions();
  await made.place([{ t0: 0, vtt: vtt("first") }, { t0: 8, vtt: vtt("second") }]);
  assert.deepEqual([1, 5, 9].map(shownAt), ["first", "", "second"]);
});

test("on another playlist nothing is left of the captions before", async () => {
  const [made, shownAt] = captions();
  await made.place([{ t0: 0, vtt: vtt("first") }, { t0: 8, vtt: vtt("second") }]);
  made.forget();
  await made.place([{ t0: 0, vtt: vtt("second") }]);
  assert.deepEqual([1, 9].map(shownAt), ["second", ""]);
});
