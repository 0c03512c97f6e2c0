"""The first demo's Director, as its paper tells it: a RandomForestRegressor scores engagement, a GradientBoostingClassifier picks the
optimisation, both fitted at start-up on made-up rows whose labels are formulas of the inputs; scenes are reordered and the pacing changed.

The paper names what it counts (play and pause, rewind, skip, session duration) and what each is said to mean (pauses and skips show little
interest, rewinds much); its thresholds it does not tell: here engagement under 0.4 brings the most intense scene forward, and under 0.6
tightens the next one. It obeys the story and the budget of changes, as everybody does here. It never learns from what happened.
"""

from __future__ import annotations

import numpy as np

from engagement.director.deciding import Moment
from engagement.director.options import Option, applied, options
from engagement.playback.plan import Plan

from .director_world import Screen

ROWS = 2_000
NOISE = 0.05
REORDER_BELOW, TIGHTEN_BELOW = 0.4, 0.6
KEEP, TIGHTEN, REORDER = range(3)
Counts = tuple[int, int, int, int]


class FirstDirector:
    """Asked one by one its forest takes milliseconds: what it says of the same counts is kept."""

    def __init__(self) -> None:
        from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor

        rows, engagement = made_up(np.random.default_rng(42))
        wanted = np.select([engagement < REORDER_BELOW, engagement < TIGHTEN_BELOW], [REORDER, TIGHTEN], KEEP)
        self.forest = RandomForestRegressor(n_estimators=100, random_state=42, n_jobs=1).fit(rows, engagement)
        self.classifier = GradientBoostingClassifier(random_state=42).fit(np.column_stack([rows, engagement]), wanted)
        self.known: dict[Counts, int] = {}

    def decide(self, moment: Moment, screen: Screen) -> Plan:
        wanted = self._wanted(moment)
        if wanted == KEEP or moment.plan.changes >= moment.plan.change_budget:
            return moment.plan
        given = options(moment.plan, break_seconds=0.0)
        found = [one for one in given if one.action == ("bring_forward" if wanted == REORDER else "tighten")]
        if not found:
            return moment.plan
        best = max(found, key=lambda one: _intensity(moment.plan, one))
        return applied(moment.plan, best, reason="")

    def _wanted(self, moment: Moment) -> int:
        totals, minutes = moment.signals.totals, (moment.signals.last_at - moment.signals.started_at) / 60
        counts = (min(9, totals.get("pauses", 0)), min(9, totals.get("rewinds", 0)), min(9, totals.get("skips", 0)), min(60, round(minutes)))
        if counts not in self.known:
            row = np.array([counts], dtype=np.float64)
            self.known[counts] = int(self.classifier.predict(np.column_stack([row, self.forest.predict(row)]))[0])
        return self.known[counts]


def _intensity(plan: Plan, option: Option) -> float:
    return plan.scene(option.scene).intensity


def made_up(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of (pauses, rewinds, skips, minutes), and an engagement that is a formula of them with noise on it."""
    rows = np.column_stack([rng.integers(0, 6, ROWS), rng.integers(0, 4, ROWS), rng.integers(0, 5, ROWS), rng.integers(0, 61, ROWS)]).astype(
        np.float64
    )
    pauses, rewinds, skips, minutes = rows.T
    engagement = 0.7 - 0.08 * pauses + 0.1 * rewinds - 0.12 * skips + 0.15 * minutes / 60 + rng.normal(0, NOISE, ROWS)
    return rows, engagement.clip(0, 1)
