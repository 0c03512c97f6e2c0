"""Optimisation success: how much more of the next scene is watched where the Director changed something than where chance kept it from it.

What is compared are boundaries at which the same action was intended: those where it was done, and those where it was held back, because
the viewer is in the control group or because an exploration drew keeping the plan. Actions are weighted as they were done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from adplatform.learning.metrics import Floats

from .deciding import CONTROL

# Of sessions on each side: with fewer, an interval of a mean is no interval.
LEAST_SESSIONS = 30
LEVEL = 1.96

# Boundaries at which a change was intended and that the viewer came to, as ``d`` and ``o``. Who asked for the film as edited is held back
# by choice, not by chance. What the plan was changed to again was not done.
INTENDED = """
engagement_directordecision d JOIN engagement_directoroutcome o ON o.decision = d.id AND o.reached AND o.watched IS NOT NULL
  AND d.intended NOT IN ('', 'keep') AND coalesce((d.features->>'as_edited')::float8, 0) < 0.5
  AND NOT EXISTS (SELECT 1 FROM engagement_directordecision l WHERE l.session = d.session AND l.epoch = d.epoch AND l.place = d.place
    AND (l.decided_at, l.id) > (d.decided_at, d.id) AND l.applied AND l.action NOT IN ('keep', 'suggest'))
"""
DONE = "(d.applied AND d.action = d.intended)"
CONTROLLED = f"(d.action = 'keep' AND d.arm = '{CONTROL}')"
EXPLORED = "(d.action = 'keep' AND d.explored)"
ROWS = f"""
SELECT d.session, d.title, coalesce(d.scene, 0), d.intended, d.decided_at, o.watched, d.action <> 'keep',
  CASE WHEN {EXPLORED} AND d.propensity > 0 THEN 1 / d.propensity ELSE 0 END
FROM {INTENDED}
WHERE d.decided_at >= %(since)s AND d.decided_at < %(until)s AND (%(title)s::bigint IS NULL OR d.title = %(title)s)
  AND (%(synthetic)s::bool IS NULL OR d.synthetic = %(synthetic)s)
  AND (%(device)s = '' OR EXISTS (SELECT 1 FROM engagement_playbacksession p WHERE p.id = d.session AND p.device = %(device)s))
  AND ({DONE} OR {CONTROLLED} OR {EXPLORED})
ORDER BY d.decided_at DESC, d.id LIMIT %(most)s
"""  # noqa: S608 (constants alone)


@dataclass(frozen=True)
class Changes:
    """Boundaries at which an action was intended, arrays [n]: ``done`` or held back, and the share ``watched`` of the scene at the place.
    ``scene`` was on screen when it was decided, 0 where none was.

    ``weight``: keeping is drawn less often where there is more to draw from, so rows that exploration held back count by how seldom
    that was, on the average as one.
    """

    session: NDArray[Any]
    title: NDArray[np.int64]
    scene: NDArray[np.int64]
    action: NDArray[Any]
    day: NDArray[Any]
    watched: Floats
    done: NDArray[np.bool_]
    weight: Floats

    def __len__(self) -> int:
        return len(self.watched)

    def take(self, mask: NDArray[np.bool_]) -> Changes:
        return Changes(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True, slots=True)
class Success:
    """Shares 0-1 of the next scene: ``watched`` where the change was done, ``baseline`` where it was held back, ``value`` the difference
    with its 95 % interval, clustered by session. ``done`` and ``held_back`` count boundaries. Figures are None on too little evidence."""

    value: float | None
    low: float | None
    high: float | None
    watched: float | None
    baseline: float | None
    done: int
    held_back: int

    @property
    def brief(self) -> str:
        """Without its counts where it can be told, as a part of a sentence."""
        if self.value is None or self.low is None or self.high is None:
            return f"not enough evidence yet: {self._counted}"
        return f"{self.value:+.1%} of the next scene watched (95 % {self.low:+.1%} to {self.high:+.1%})"

    @property
    def words(self) -> str:
        if self.value is None:
            return f"N{self.brief[1:]}, and {LEAST_SESSIONS} sessions of each are needed."
        return f"{self.brief}: {self.watched:.1%} against {self.baseline:.1%}, of {self._counted}."

    @property
    def _counted(self) -> str:
        return f"{self.done:,} {'change' if self.done == 1 else 'changes'} made and {self.held_back:,} held back by chance"


def success(since: datetime, until: datetime, *, title: int | None = None, action: str | None = None) -> Success:
    """Of the changes decided in [since, until), of all titles or one. Suggestions change no scene and are counted only where asked for."""
    found = load(since, until, title=title)
    return judged(found.take(found.action == action if action else found.action != "suggest"))


def by_action(changes: Changes) -> dict[str, Success]:
    return _by(changes, lambda one: one.action)


def by_title(changes: Changes) -> dict[int, Success]:
    return _by(changes, lambda one: one.title)


def by_day(changes: Changes) -> dict[str, Success]:
    """By UTC day, ``2026-11-20``."""
    return _by(changes, lambda one: one.day)


def by_scene_and_action(changes: Changes) -> dict[tuple[int, str], Success]:
    """By the scene that was on screen when it was decided, 0 where none was."""
    return {(scene, action): one for scene, found in _within(changes, changes.scene) for action, one in by_action(found).items()}


def _by(changes: Changes, column: Callable[[Changes], NDArray[Any]]) -> dict[Any, Success]:
    return {name: judged(found) for name, found in _within(changes, column(changes))}


def _within(changes: Changes, names: NDArray[Any]) -> Iterator[tuple[Any, Changes]]:
    for name in np.unique(names).tolist():
        yield name, changes.take(names == name)


def judged(changes: Changes) -> Success:
    """Pure. Actions that were never both done and held back say nothing. The interval is that of the difference of two weighted means in
    each action, linearised, with the rows of a session as one observation (Cameron & Miller 2015, section II)."""
    both = [name for name in np.unique(changes.action) if len(np.unique(changes.done[changes.action == name])) == 2]
    known = changes.take(np.isin(changes.action, both))
    done, held = int(changes.done.sum()), int((~changes.done).sum())
    sessions = [len(np.unique(known.session[side])) for side in (known.done, ~known.done)]
    if min(sessions) < LEAST_SESSIONS:
        return Success(None, None, None, None, None, done, held)
    pull, watched, baseline = np.zeros(len(known)), 0.0, 0.0
    for name in both:
        inside = known.action == name
        share = float((inside & known.done).sum() / known.done.sum())
        for side, sign in ((inside & known.done, 1), (inside & ~known.done, -1)):
            mean = float(np.average(known.watched[side], weights=known.weight[side]))
            pull[side] = sign * share * known.weight[side] * (known.watched[side] - mean) / known.weight[side].sum()
            watched, baseline = watched + share * mean * (sign > 0), baseline + share * mean * (sign < 0)
    _, group = np.unique(known.session, return_inverse=True)
    clusters = np.bincount(group, weights=pull)
    error = float(np.sqrt((clusters**2).sum() * len(clusters) / (len(clusters) - 1)))
    value = watched - baseline
    return Success(value, value - LEVEL * error, value + LEVEL * error, watched, baseline, done, held)


def load(
    since: datetime, until: datetime, *, title: int | None = None, synthetic: bool | None = None, device: str = "", most: int | None = None
) -> Changes:
    """Of judged decisions whose place the viewer came to, the newest first, at most so many. ``synthetic`` None: whoever watched;
    ``device`` empty: on every one."""
    given = {"since": since, "until": until, "title": title, "synthetic": synthetic, "device": device, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(ROWS, given)
        rows = cursor.fetchall()
    seldom = np.array([row[7] for row in rows], dtype=np.float64)
    drawn = seldom > 0
    return Changes(
        session=np.array([str(row[0]) for row in rows], dtype=np.str_),
        title=np.array([row[1] for row in rows], dtype=np.int64),
        scene=np.array([row[2] for row in rows], dtype=np.int64),
        action=np.array([row[3] for row in rows], dtype=np.str_),
        day=np.array([row[4].date().isoformat() for row in rows], dtype=np.str_),
        watched=np.array([row[5] for row in rows], dtype=np.float64),
        done=np.array([row[6] for row in rows], dtype=bool),
        weight=np.where(drawn, seldom / (seldom[drawn].mean() if drawn.any() else 1.0), 1.0),
    )
