"""Where a retention curve has its bumps, dips and drops, beyond what chance makes of the film's own average. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .intervals import Share
from .selectors import MomentFigures

Kind = Literal["bump", "dip", "drop"]
# Fewer events than this at a moment are nobody's habit.
FEWEST_EVENTS = 5
FEWEST_VIEWINGS = 30


@dataclass(frozen=True, slots=True)
class Peak:
    """Neighbouring moments (by their place in the curve, both ends included) with more of a thing than the film's average.

    A ``bump`` is where viewers go back to or watch again, a ``dip`` is what they pass over, a ``drop`` is where they leave. ``share``
    is that of the strongest moment, ``usual`` the film's average.
    """

    kind: Kind
    first: int
    last: int
    count: int
    share: float
    usual: float


def peaks(moments: Sequence[MomentFigures], viewings: int) -> list[Peak]:
    """In the order of the film; none while fewer than `FEWEST_VIEWINGS` sessions saw the film."""
    if viewings < FEWEST_VIEWINGS:
        return []
    found = [
        *_runs("bump", [Share(min(viewings, max(one.again, one.rewound_to)), viewings) for one in moments]),
        *_runs("dip", [Share(one.skipped, one.skipped + one.views - one.again) for one in moments]),
        *_runs("drop", [Share(one.left, max(one.left, one.views - one.again)) for one in moments]),
    ]
    return sorted(found, key=lambda peak: (peak.first, peak.kind))


def _runs(kind: Kind, shares: Sequence[Share]) -> Iterator[Peak]:
    counted, of = sum(share.count for share in shares), sum(share.of for share in shares)
    usual = counted / of if of else 0.0
    high = [share.count >= FEWEST_EVENTS and share.low > usual for share in shares]
    start = 0
    for place in range(len(shares) + 1):
        if place < len(shares) and high[place]:
            continue
        if place > start:
            run = shares[start:place]
            best = max(run, key=lambda share: share.value or 0.0)
            yield Peak(kind, start, place - 1, sum(share.count for share in run), best.value or 0.0, usual)
        start = place + 1
