"""What a person sees of a film, told from the picture: the colour patch that every test clip carries at its top left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from playwright.sync_api import Page

from adplatform.eventlog import tokens
from engagement.models import PlaybackSession
from tests.media import LOOKS

from .parts import eventually

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


def press_play(page: Page, slug: str) -> None:
    page.goto(f"/watch/{slug}/")
    page.get_by_role("button", name=re.compile("^(Play|Resume)$")).first.click()
    eventually(lambda: playhead(page) > 0.3, True)


def session_of(page: Page) -> PlaybackSession:
    """That of the film which this page plays, as its socket's address tells."""
    names = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.includes('/hls/'))")
    token = str(names[-1]).split("/hls/")[1].split("/")[0]
    return PlaybackSession.objects.get(pk=tokens.read(token, tokens.SessionToken, now=None).session)


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
