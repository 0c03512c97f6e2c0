"""How figures of watching are written into a snapshot: shares with their interval and what they are of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engagement.director.success import Success
from engagement.precursors import Precursor
from engagement.retention.intervals import Difference, Share

PLACES = 6
# Fewer sessions than this are not told apart: a group so small is somebody.
SMALLEST_GROUP = 20


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def share(of: Share) -> dict[str, Any]:
    """``value`` is None, and so is its interval, where there is nothing to divide by."""
    known = of.value is not None
    return {
        "value": rounded(of.value), "low": rounded(of.low) if known else None, "high": rounded(of.high) if known else None,
        "count": of.count, "of": of.of,
    }  # fmt: skip


def gap(found: Difference | None) -> dict[str, Any] | None:
    return None if found is None else {"value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high)}


def success(found: Success) -> dict[str, Any]:
    return {
        "value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high), "watched": rounded(found.watched),
        "baseline": rounded(found.baseline), "done": found.done, "held_back": found.held_back, "words": found.words,
    }  # fmt: skip


def precursor(found: Precursor, slugs: Mapping[int, str]) -> dict[str, Any]:
    return {
        "title": found.title_name, "slug": slugs.get(found.title), "scene": found.scene, "scene_name": found.scene_name,
        "lost": share(found.lost), "usual": share(found.usual), "excess": gap(found.excess), "stands_out": found.stands_out,
    }  # fmt: skip


def ratio(part: float, whole: float) -> float | None:
    return rounded(part / whole) if whole else None
