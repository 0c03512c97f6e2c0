"""Where the breaks of a title are, before anybody watches it: what a standard player is told at the start, and the names breaks have.

Pure. Our own player is told of a break when it is due; another one wants them all beforehand (VMAP, an HLS playlist). It gets those that
the title's policy lets a viewer meet who watches from beginning to end and is shown breaks that are full: the same rules,
`ads.decision.load`, asked in advance. Their ids are those of our own player's first playlist of a playback.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .decision.load import BreakPosition, History, Policy, allowance


class Placeable(Protocol):
    """A scene, as far as breaks go."""

    @property
    def optional(self) -> bool: ...

    @property
    def break_after(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FilmScene:
    """``seconds`` of the full cut, as packaged."""

    seconds: float
    optional: bool = False
    break_after: bool = False


@dataclass(frozen=True, slots=True)
class PlacedBreak:
    """A break after ``offset`` seconds of film (ads not counted), with at most so many ``seconds`` and ``ads``.

    ``index`` counts from 0 over all places where the title may have a break, as an AdRequest has it; ``progress`` is the share
    of its scenes before it, and ``after`` how many those are.
    """

    id: str
    after: int
    position: BreakPosition
    index: int
    offset: float
    seconds: float
    ads: int
    progress: float


def break_id(place: int, epoch: int = 0) -> str:
    """The name of the break after so many of a film's places, in one epoch of a playback's playlist."""
    return f"b{place}" if epoch == 0 else f"b{place}e{epoch}"


def places(film: Sequence[Placeable], *, pre_roll: bool = False, post_roll: bool = False) -> list[int]:
    """Places of the film (1 = after the first scene shown) where a break may be: between scenes where the author allows it.
    A break after an optional scene stands where that scene would."""
    shown = list(itertools.accumulate(int(not scene.optional) for scene in film))
    between = sorted({place for place, scene in zip(shown, film, strict=True) if scene.break_after and 0 < place < shown[-1]})
    return [*([0] if pre_roll else ()), *between, *([shown[-1]] if post_roll else ())]


def position(after: int, scenes: int) -> BreakPosition:
    """Of a break after so many of a film's places."""
    if after == 0:
        return "pre"
    return "post" if after >= scenes else "mid"


def placed(film: Sequence[FilmScene], policy: Policy) -> tuple[PlacedBreak, ...]:
    """The breaks of a film without its optional scenes, in the author's order. A break that the policy leaves out is not there."""
    shown = [scene.seconds for scene in film if not scene.optional]
    if not shown:
        return ()
    until = [0.0, *itertools.accumulate(shown)]
    met, found, last = History(), list[PlacedBreak](), 0.0
    for index, place in enumerate(places(film, pre_roll=policy.pre_roll, post_roll=policy.post_roll)):
        offset, where = until[place], position(place, len(shown))
        met = replace(met, film_seconds=offset, film_since_break=offset - last if met.breaks else None)
        # One clock for film and ads: a viewer who begins at 0 and never stops.
        clock = offset + sum(seconds for _, seconds in met.ads)
        allowed = allowance(policy, met, where, now=clock)
        if not allowed.seconds:
            continue
        found.append(PlacedBreak(break_id(place), place, where, index, offset, allowed.seconds, allowed.ads, place / len(shown)))
        met, last = replace(met, breaks=met.breaks + 1, ads=(*met.ads, (clock, allowed.seconds))), offset
    return tuple(found)
