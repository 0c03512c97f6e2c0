"""What ad breaks cost in leaving: viewers at a boundary between two scenes where ads played, beside viewers at the same boundary where
none did. Pure.

Leaving by itself says little: some go at any boundary. What is compared is who was gone by the end of the next scene, in the break or in
that scene, so that an ad that only delays a leaving counts as none. Where no ad played it was left out by the title's ad policy, found no
buyer, was moved by the Director or was never planned there: chance did not draw it, and the counts of each stand beside the figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engagement.retention.intervals import Difference, Share, Z, difference

from .sessions import COMPLETED, LEFT, LEFT_AFTER, SEEN, ToldSession

# With fewer on either side nothing is compared.
FEWEST_EACH = 30
PRE_ROLL = 0


@dataclass(frozen=True, slots=True)
class Passing:
    """A viewer who saw ``scene`` to its end, with more of the film to come; 0 is the beginning, before the first scene. ``cause`` is why
    no ad played, empty where one did; ``rest`` milliseconds of film seen from there on, None for who left in the break."""

    session: int
    scene: int
    cause: str
    left_in_break: bool
    gone: bool
    rest: int | None

    @property
    def ads(self) -> bool:
        return not self.cause


@dataclass(slots=True)
class Boundary:
    """The passings behind one scene. ``before``: who was gone by the end of the next scene."""

    scene: int
    in_break: Share
    with_ads: Share
    without: Share
    causes: Mapping[str, int]
    rest_seconds: float | None
    cost: Difference | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Over all boundaries. ``extra``: how many more of a hundred were gone with ads, as a share, with its 95 % interval; None on too little
    evidence. ``lost`` viewers and ``hours`` of film they would have watched follow from it."""

    breaks: int
    with_ads: int
    without: int
    extra: Difference | None
    lost: Difference | None
    hours: Difference | None
    boundaries: Sequence[Boundary] = field(default_factory=tuple)


def passings(sessions: Sequence[ToldSession]) -> list[Passing]:
    """One for each boundary that a session came to. The end of the film is none: who goes there leaves nothing behind."""
    return [one for number, session in enumerate(sessions) for one in _of_session(number, session)]


def _of_session(number: int, session: ToldSession) -> list[Passing]:
    if not session.played:
        return []
    found = [_beginning(number, session)]
    for place in range(1, len(session.played)):
        scene, following = session.played[place - 1], session.played[place]
        if not session.figure(scene, COMPLETED):
            continue
        left = bool(session.figure(scene, LEFT_AFTER)) and following not in session.scenes
        found.append(_passing(number, session, place, scene, left=left))
    return found


def _beginning(number: int, session: ToldSession) -> Passing:
    """Before the first scene: left is who never began one, with a pre-roll or without."""
    return _passing(number, session, 0, PRE_ROLL, left=session.played[0] not in session.scenes)


def _passing(number: int, session: ToldSession, place: int, scene: int, *, left: bool) -> Passing:
    following = session.played[place]
    in_next = bool(session.figure(following, LEFT)) and not session.figure(following, COMPLETED)
    rest = sum(session.figure(one, SEEN) for one in session.played[place:])
    return Passing(number, scene, _cause(session, place), left, left or in_next, None if left else rest)


def _cause(session: ToldSession, place: int) -> str:
    here = [one for one in session.breaks if one.after == place]
    if any(one.shown for one in here):
        return ""
    if here:
        return "not decided" if here[-1].state == "open" else here[-1].state.replace("_", " ")
    if any(one.moved and one.after - one.moved == place for one in session.breaks):
        return "moved"
    return "none planned"


def costs(found: Sequence[Passing]) -> Cost:
    """Boundaries behind which ads played at least once. The figure over all of them weighs each by how much can be compared there (Mantel
    and Haenszel 1959, as the risk difference of Greenland and Robins 1985), its interval linearised with a session as one observation."""
    played = {one.scene for one in found if one.ads}
    rows = [one for one in found if one.scene in played]
    boundaries = [_boundary(scene, [one for one in rows if one.scene == scene]) for scene in sorted(played)]
    extra = pooled(
        np.array([one.scene for one in rows], dtype=np.int64),
        np.array([one.session for one in rows], dtype=np.int64),
        np.array([one.ads for one in rows], dtype=bool),
        np.array([one.gone for one in rows], dtype=np.float64),
    )
    shown = sum(one.with_ads.of for one in boundaries)
    hours = sum(one.with_ads.of * (one.rest_seconds or 0.0) for one in boundaries) / 3600
    return Cost(
        breaks=shown,
        with_ads=sum(one.with_ads.count for one in boundaries),
        without=sum(one.without.of for one in boundaries),
        extra=extra,
        lost=_times(extra, shown),
        hours=_times(extra, hours),
        boundaries=boundaries,
    )


def _times(found: Difference | None, factor: float) -> Difference | None:
    return None if found is None else Difference(found.value * factor, found.low * factor, found.high * factor)


def _boundary(scene: int, rows: Sequence[Passing]) -> Boundary:
    ads, none = [one for one in rows if one.ads], [one for one in rows if not one.ads]
    with_ads, without = (Share(sum(one.gone for one in side), len(side)) for side in (ads, none))
    rest = [one.rest for one in rows if one.rest is not None]
    return Boundary(
        scene=scene,
        in_break=Share(sum(one.left_in_break for one in ads), len(ads)),
        with_ads=with_ads,
        without=without,
        causes=dict(Counter(one.cause for one in none).most_common()),
        rest_seconds=sum(rest) / len(rest) / 1000 if rest else None,
        cost=difference(with_ads, without) if min(with_ads.of, without.of) >= FEWEST_EACH else None,
    )


def pooled(
    stratum: NDArray[np.int64], cluster: NDArray[np.int64], exposed: NDArray[np.bool_], outcome: NDArray[np.float64], *, fewest: int = FEWEST_EACH
) -> Difference | None:
    """Mean outcome of the exposed less that of the others within strata, arrays [n]; None with fewer than so many rows, in strata that
    have both, on a side."""
    both = [one for one in np.unique(stratum) if len(np.unique(exposed[stratum == one])) == 2]
    known = np.isin(stratum, both)
    if min(int((known & exposed).sum()), int((known & ~exposed).sum())) < fewest:
        return None
    pull, value, weights = np.zeros(len(outcome)), 0.0, 0.0
    for one in both:
        sides = [(stratum == one) & exposed, (stratum == one) & ~exposed]
        counts = [int(side.sum()) for side in sides]
        weight = counts[0] * counts[1] / sum(counts)
        weights += weight
        for side, count, sign in zip(sides, counts, (1, -1), strict=True):
            mean = float(outcome[side].mean())
            value += sign * weight * mean
            pull[side] = sign * weight * (outcome[side] - mean) / count
    _, group = np.unique(cluster, return_inverse=True)
    sums = np.bincount(group, weights=pull / weights)
    error = float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1)))
    value /= weights
    return Difference(value, value - Z * error, value + Z * error)
