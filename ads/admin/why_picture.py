"""The funnel as rows of a picture: how many came that far, how many fell out there and why, and how that was before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ads.reports.shown import Shown
from ads.reports.why_not import SERVED, Funnel, Reason, percent

# The width of the picture, in its own units; what is not nothing is never thinner than `THINNEST`.
WIDTH, THINNEST = 1000, 3
NAMES = {
    "schedule": "Within its dates", "targeting": "Matches its targeting", "budget": "Budget and goal left", "caps": "Within its caps",
    "fit": "Fits the break", "house": "House ads allowed", "price": "Worth the reserve price", "pacing": "Let through by pacing",
    "share_of_voice": "Its turn as a sponsor", "pod": "Won the auction", "reservation": "Reserved",
}  # fmt: skip
# Changes smaller than this share of the breaks are not pointed out.
MOVED = 0.02
# A time before in which less than this share of now was considered is not compared with.
COMPARABLE = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One bar: ``left`` came this far, ``out`` fell out just before, because of ``reasons``. ``of`` says what it is a share of."""

    name: str
    left: int
    out: int
    share: str
    reasons: tuple[Told, ...]
    kept_width: int
    out_width: int
    stage: str = ""
    note: str = ""
    after: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A reason with its count, its share of what was considered and how that changed against the time before."""

    code: str
    words: str
    count: int
    share: str
    change: str
    worse: bool


def rows(funnel: Funnel, seen: Shown, before: Funnel) -> list[Row]:
    """From the breaks asked for to clicks; stages that stopped nothing are left out."""
    if not funnel.considered:
        return []
    top = funnel.considered + funnel.absent
    found = [
        _row("Breaks asked for", top, 0, top, note=f"{funnel.requests:,} breaks x {funnel.ads} ads" if funnel.ads > 1 else ""),
        _row("Considered", funnel.considered, funnel.absent, top, note="live, with an approved ad and its clip ready"),
    ]
    for step in funnel.steps:
        if step.stage != SERVED:
            told = tuple(_told(reason, funnel, before) for reason in step.reasons)
            found.append(_row(NAMES[step.stage], step.left, step.count, top, reasons=told, stage=step.stage))
    if not any(row.stage == "reservation" for row in found):
        found.append(_row(NAMES["reservation"], funnel.served, 0, top, stage="reservation"))
    return [*found, *_after(seen, top)]


def _after(seen: Shown, top: int) -> Iterator[Row]:
    """What came of the slots that were reserved."""
    earlier = f"{-seen.unseen:,} more than were reserved: of breaks decided before" if seen.unseen < 0 else "not shown, or not yet"
    yield _row("Seen by a viewer", seen.seen, max(seen.unseen, 0), top, note=earlier, after=True)
    reasons = tuple(Told(one.code, one.words, one.count, percent(one.share), "", worse=False) for one in seen.invalid)
    yield _row("Impressions that count", seen.impressions, seen.seen - seen.impressions, top, reasons=reasons, after=True)
    yield _row("Seen to the end", seen.completed, max(seen.impressions - seen.completed, 0), top, after=True, note=f"{seen.skips:,} skipped")
    yield _row("Clicked", seen.clicks, 0, top, after=True)


def _row(name: str, left: int, out: int, top: int, *, reasons: tuple[Told, ...] = (), stage: str = "", note: str = "", after: bool = False) -> Row:
    return Row(name, left, out, percent(left / top) if top else "", reasons, _width(left, top), _width(out, top), stage, note, after)


def _width(count: int, top: int) -> int:
    return max(THINNEST, round(WIDTH * count / top)) if count > 0 and top else 0


def _told(reason: Reason, funnel: Funnel, before: Funnel) -> Told:
    change, worse = "", False
    if before.considered >= COMPARABLE * funnel.considered:
        moved = reason.share - before.reasons.get(reason.code, 0) / before.considered
        if abs(moved) >= MOVED:
            change, worse = f"{moved * 100:+.0f} points", moved > 0
    return Told(reason.code, reason.words, reason.count, percent(reason.share), change, worse)
