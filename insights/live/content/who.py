"""Who leaves a film before its end: shares by device, by whether the viewer came before, and by segment. Pure.

Groups alone, and none of fewer than `SMALLEST_GROUP` sessions. Whether somebody came before and what segments they are in is known of
viewers who gave consent, and told of no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engagement.retention.intervals import Share

from .sessions import LEFT, ToldSession
from .shapes import SMALLEST_GROUP, share

WHOLE = 0


def groups(sessions: Sequence[ToldSession], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """``names`` are the words of each segment. The largest group of a kind first; a viewer may be in several segments."""
    began = [one for one in sessions if WHOLE in one.scenes]
    known = [one for one in began if one.returning is not None]
    sorted_in = [one for one in began if one.segments is not None]
    return [
        *_kind("device", ((one.device, one) for one in began)),
        *_kind("visit", (("Came before" if one.returning else "First visit", one) for one in known)),
        *_kind("segment", ((names.get(slug, slug), one) for one in sorted_in for slug in one.segments or ())),
    ]


def _kind(kind: str, labelled: Iterable[tuple[str, ToldSession]]) -> list[dict[str, Any]]:
    found: dict[str, list[int]] = {}
    for label, session in labelled:
        found.setdefault(label, []).append(session.figure(WHOLE, LEFT))
    told = [(label, Share(sum(left), len(left))) for label, left in found.items() if len(left) >= SMALLEST_GROUP]
    return [{"kind": kind, "name": label, "left": share(of)} for label, of in sorted(told, key=lambda one: (-one[1].of, one[0]))]
