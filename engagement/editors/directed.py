"""What the Director did in a film and what came of it: counts by scene and action, and applied changes beside randomised controls.

A change counts beside boundaries where the same was intended and chance held it back: in the control group, or where an exploration
drew "keep". Only places that the viewer came to count. The interval takes what one session did as one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, Q, QuerySet

from engagement.director.deciding import CONTROL
from engagement.models import DirectorAction, DirectorDecision, PlaybackSession
from engagement.retention.selectors import Window

# The newest intended changes of a window; more would say the same more slowly.
MOST_OUTCOMES = 20_000
FEWEST_EACH = 20
SAMPLES = 8
Z = 1.959964

KEEP = DirectorAction.KEEP.value


@dataclass(frozen=True, slots=True)
class Done:
    """Decisions taken while ``scene`` was on screen that intended ``action``."""

    scene: int | None
    action: str
    intended: int
    applied: int
    explored: int

    @property
    def name(self) -> str:
        return DirectorAction(self.action).label


@dataclass(frozen=True, slots=True)
class Effect:
    """Share of the next scene watched, 0-1: with the change, without it, and the difference with its 95 % interval, None of too few."""

    applied: int
    held_back: int
    with_it: float | None
    without: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def beside(self) -> str:
        told = ["-" if share is None else f"{share:.0%}" for share in (self.with_it, self.without)]
        return f"{told[0]} of {self.applied} and {told[1]} of {self.held_back}"

    @property
    def words(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return f"Too little to tell: {self.applied} applied and {self.held_back} held back came to their place; {FEWEST_EACH} of each are needed."
        verdict = "more" if self.low > 0 else "less" if self.high < 0 else "no clear difference"
        return f"{self.value * 100:+.1f} points ({self.low * 100:+.1f} to {self.high * 100:+.1f}): {verdict}"


@dataclass(frozen=True, slots=True)
class Directed:
    done: tuple[Done, ...]
    effects: dict[tuple[int | None, str], Effect]
    overall: Effect
    decisions: int
    samples: tuple[DirectorDecision, ...]
    complete: bool


def directed(title: int, window: Window) -> Directed:
    """Three queries."""
    rows = _decisions(title, window)
    counts = rows.values("scene", "intended", "action").annotate(
        n=Count("pk"), played=Count("pk", filter=Q(applied=True)), drawn=Count("pk", filter=Q(explored=True))
    )
    done: dict[tuple[int | None, str], list[int]] = {}
    for row in counts.order_by():
        into = done.setdefault((row["scene"], row["intended"] or row["action"]), [0, 0, 0])
        into[:] = [into[0] + row["n"], into[1] + row["played"], into[2] + row["drawn"]]
    outcomes = _outcomes(title, window)
    of_action: dict[tuple[int | None, str], list[_Outcome]] = {}
    for one in outcomes:
        of_action.setdefault((one.scene, one.action), []).append(one)
    samples = rows.exclude(action=KEEP).defer("features", "alternatives").order_by("-decided_at")[:SAMPLES]
    return Directed(
        done=tuple(Done(scene, action, *counted) for (scene, action), counted in done.items()),
        effects={key: effect(found) for key, found in of_action.items()},
        overall=effect(outcomes),
        decisions=sum(counted[0] for counted in done.values()),
        samples=tuple(samples),
        complete=len(outcomes) < MOST_OUTCOMES,
    )


def _decisions(title: int, window: Window) -> QuerySet[DirectorDecision]:
    since, until = _bounds(window)
    rows = DirectorDecision.objects.filter(title=title, decided_at__gte=since, decided_at__lt=until)
    if window.synthetic is not None:
        rows = rows.filter(synthetic=window.synthetic)
    if window.device:
        began = PlaybackSession.objects.filter(title_id=title, device=window.device, started_at__gte=since - timedelta(days=1), started_at__lt=until)
        rows = rows.filter(session__in=began.values("pk"))
    return rows


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return datetime.combine(window.first, time(), UTC), datetime.combine(window.last + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class _Outcome:
    scene: int | None
    action: str
    session: uuid.UUID
    applied: bool
    watched: float


def _outcomes(title: int, window: Window) -> list[_Outcome]:
    chosen = _decisions(title, window).exclude(intended__in=("", KEEP)).order_by("-decided_at")
    sql, asked = chosen.values("id", "scene", "intended", "action", "session", "arm", "explored", "applied").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.scene, d.intended, d.session, d.applied AND d.action = d.intended, o.watched"  # noqa: S608 (no value goes into the text)
            f" FROM ({sql}) AS d JOIN engagement_directoroutcome o ON o.decision = d.id"
            " WHERE o.reached AND o.watched IS NOT NULL"
            " AND ((d.applied AND d.action = d.intended) OR (d.action = %s AND (d.arm = %s OR d.explored))) LIMIT %s",
            [*asked, KEEP, CONTROL, MOST_OUTCOMES],
        )
        return [_Outcome(*row) for row in cursor.fetchall()]


def effect(outcomes: Sequence[Any]) -> Effect:
    """``outcomes`` have ``applied``, ``watched`` and ``session``. The variance is that of a difference of two means with sessions as
    clusters (Liang and Zeger 1986)."""
    applied = np.array([one.applied for one in outcomes], dtype=bool)
    watched = np.array([one.watched for one in outcomes], dtype=np.float64)
    n, m = int(applied.sum()), int((~applied).sum())
    means = [float(watched[mask].mean()) if mask.any() else None for mask in (applied, ~applied)]
    if n < FEWEST_EACH or m < FEWEST_EACH or means[0] is None or means[1] is None:
        return Effect(n, m, *means)
    influence = np.where(applied, (watched - means[0]) / n, -(watched - means[1]) / m)
    _, session = np.unique([str(one.session) for one in outcomes], return_inverse=True)
    spread = Z * float(np.sqrt((np.bincount(session, weights=influence) ** 2).sum()))
    gap = means[0] - means[1]
    return Effect(n, m, means[0], means[1], gap, gap - spread, gap + spread)


def by_scene(found: Directed, scene: int) -> Iterable[tuple[Done, Effect | None]]:
    """Of one scene, the changes first, then what was kept."""
    own = sorted((one for one in found.done if one.scene == scene), key=lambda one: (one.action == KEEP, -one.intended, one.action))
    return [(one, found.effects.get((scene, one.action)) if one.action != KEEP else None) for one in own]
