"""Logged boundaries of a world whose truth is known: what each action really does to the share that is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from adplatform.eventlog import ids
from engagement.director.exploration import propensities
from engagement.director.lots import lot
from engagement.director.options import options
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackSession

from .test_lots import AROUND, film
from .test_lots import watched as watched_so_far
from .test_training import make_title

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE = 0.7
LATER = 2_000.0
BOUNDARIES = 4


@dataclass(frozen=True)
class World:
    """``effects`` by action are added to the share watched; ``exploring`` is the share of the boundaries that chance decides."""

    effects: Mapping[str, float]
    exploring: float = 0.8
    noise: float = 0.12

    def truth(self, action: str, mood: float) -> float:
        return BASE + 0.1 * mood + self.effects.get(action, 0.0)


def write(world: World, sessions: int, *, seed: int = 5, days: float = 6.0) -> None:
    """Sessions whose boundaries were decided by keeping the plan, but for what chance drew; judged already."""
    rng = np.random.default_rng(seed)
    title, plan = make_title(), film()
    given = options(plan, break_seconds=0.0)
    seen = lot(watched_so_far(), replace(AROUND, seconds=8.0, intensity_before=0.2), plan, given, now=NOW)
    kept, decided, judged = [], [], []
    for number in range(sessions):
        at = NOW - timedelta(days=days) + timedelta(days=days - 1) * number / sessions
        session = PlaybackSession(id=ids.new_id(at), title=title, device="tv", hour=20, started_at=at, last_seen_at=at + timedelta(minutes=5))
        kept.append(session)
        mood = float(rng.normal())
        for place in range(3, 3 + BOUNDARIES):
            at += timedelta(seconds=20)
            explored = bool(rng.random() < world.exploring)
            taken = int(rng.integers(len(given))) if explored else 0
            key, action = ids.new_id(at), given[taken].action
            chances = propensities(len(given), 0, world.exploring)
            told: list[dict[str, Any]] = [
                {"action": one.action, "scene": one.scene, "now": 0.0, "later": LATER, "propensity": chance, "taken": index == taken,
                 "features": own, "expected": None}
                for index, (one, own, chance) in enumerate(zip(given, seen.options, chances, strict=True))
            ]  # fmt: skip
            decided.append(
                DirectorDecision(id=key, session=session.pk, title=title.pk, decided_at=at, place=place, action=action, intended="keep",
                                 explored=explored, applied=action != "keep", reason="", alternatives=told, propensity=chances[taken],
                                 features=seen.session | {"watched_share": round(0.5 + mood / 10, 4), "place": place}, synthetic=True)
            )  # fmt: skip
            coming = float(np.clip(world.truth(action, mood) + rng.normal(0, world.noise), 0, 1))
            judged.append(DirectorOutcome(decision=key, decided_at=at, session=session.pk, reached=True, watched=coming, coming=coming, judged_at=at))
    PlaybackSession.objects.bulk_create(kept)
    DirectorDecision.objects.bulk_create(decided)
    DirectorOutcome.objects.bulk_create(judged)
