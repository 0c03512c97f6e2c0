"""What a person sees of a film, told from the picture: the colour patch that every test clip carries at its top left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from playwright.sync_api import Page

from tests.media import LOOKS

# Reads the pixel inside the patch every 100 ms while the page lives, together with the playhead.
SAMPLER = """
() => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  canvas.width = 64; canvas.height = 36;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  window.samples = [];
  setInterval(() => {
    if (video.paused || video.readyState < 2) return;
    context.drawImage(video, 0, 0, 64, 36);
    window.samples.push([video.currentTime, ...context.getImageData(2, 2, 1, 1).data.slice(0, 3)]);
  }, 100);
}
"""


@dataclass(frozen=True)
class Shown:
    """One clip as it was seen: from the first to the last sample of its colour, in seconds of the playlist."""

    key: str
    first: float
    last: float


def start_sampling(page: Page) -> None:
    page.evaluate(SAMPLER)


def playhead(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def shown(page: Page) -> list[Shown]:
    """The clips in the order they were on screen. A single stray sample at a join counts for nothing."""
    samples = [(float(t), _nearest((r, g, b))) for t, r, g, b in page.evaluate("window.samples")]
    runs = [(key, [t for t, _ in group]) for key, group in groupby(samples, key=lambda sample: sample[1])]
    return [Shown(key, times[0], times[-1]) for key, times in runs if len(times) > 2]


def _nearest(colour: tuple[int, int, int]) -> str:
    def distance(key: str) -> int:
        patch = bytes.fromhex(LOOKS[key].colour.removeprefix("#"))
        return sum((one - other) ** 2 for one, other in zip(patch, colour, strict=True))

    return min(LOOKS, key=distance)
