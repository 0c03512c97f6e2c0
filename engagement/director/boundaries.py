"""Boundaries as the log tells them: rows that the policy model learns from, and the choices that chance made among options.

A row is a decision whose place the viewer came to: the session as it stood and the option that was taken, both as they were served,
and how much was watched of the scene there and the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from adplatform.learning.choices import Choices, Ints
from adplatform.learning.metrics import Floats
from adplatform.learning.predictor import Predictor, spread_of
from adplatform.learning.training import Dataset
from engagement.models import DirectorAction

from . import outcomes
from .dataset import HISTORY, IDLE
from .deciding import CONTROL
from .lots import SCHEMA, rows_of

# A row counts as often as its option was passed over, but none more than this: a few rows would be all that is learned.
MOST_WEIGHT = 20.0
BY_CHANCE, CONTROL_GROUP, CHOSEN = "drawn by chance", "control group", "chosen"
ACTIONS = tuple(DirectorAction.values)
OPTION = SCHEMA.index["action"]

# A plan that was changed again before its place was published is not what was decided first.
CAME_THERE = """
SELECT d.session, extract(epoch FROM d.decided_at)::float8, d.features, {alternatives}, o.coming, d.explored, d.arm, d.synthetic, s.device, d.id
FROM engagement_directordecision d
JOIN engagement_directoroutcome o ON o.decision = d.id AND o.reached AND o.coming IS NOT NULL
JOIN engagement_playbacksession s ON s.id = d.session AND s.last_seen_at < %(silent)s
WHERE d.decided_at >= %(since)s AND d.decided_at < %(silent)s AND (d.applied OR d.action = 'keep') AND NOT EXISTS (
  SELECT 1 FROM engagement_directordecision l WHERE l.session = d.session AND l.epoch = d.epoch AND l.place = d.place
    AND (l.decided_at, l.id) > (d.decided_at, d.id) AND l.applied AND l.action NOT IN ('keep', 'suggest'))
ORDER BY d.decided_at, d.id
"""
TAKEN = CAME_THERE.format(alternatives="jsonb_path_query_first(d.alternatives, '$[*] ? (@.taken == true)')")
EVERY = CAME_THERE.format(alternatives="d.alternatives")


def load(as_of: datetime) -> Dataset:
    """One row for each decision of four weeks whose place the viewer came to; what nobody has judged yet is judged first.

    Weights are inverse propensities, clipped: the Director takes what it thinks best, so unweighted rows would tell of every other
    option where the model in office thought little of it, and of a tenth of that. Weighted, they stand for a Director that chooses by
    chance everywhere (Dudik, Langford & Li 2011, section 3; clipping: Strehl et al. 2010), and the difference between options, which is
    what is asked, is learned as well as the level.
    """
    outcomes.judge_all(now=as_of, since=as_of - HISTORY)
    rows = [row for row in _rows(TAKEN, as_of - HISTORY, as_of) if row[3] is not None and "features" in row[3]]
    propensity = np.array([float(row[3].get("propensity") or 1.0) for row in rows])
    weights = np.minimum(1 / np.clip(propensity, 1e-6, 1.0), MOST_WEIGHT)
    return Dataset(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), np.float32), *(rows_of(row[2], [row[3]["features"]]) for row in rows)]),
        labels=np.array([row[4] for row in rows], dtype=np.float64),
        at=np.array([row[1] for row in rows], dtype=np.float64),
        session=np.array([str(row[0]) for row in rows], dtype=np.str_),
        synthetic=np.array([row[7] for row in rows], dtype=bool),
        keys=np.array([str(row[9]) for row in rows], dtype=np.str_),
        groups={
            "action": np.array([row[3]["action"] for row in rows], dtype=np.str_),
            "taken": np.array([_how(explored=row[5], arm=row[6]) for row in rows], dtype=np.str_),
            "device": np.array([row[8] for row in rows], dtype=np.str_),
        },
        weights=weights / weights.mean() if len(rows) else weights,
    )


def notes(learned: Dataset) -> dict[str, Any]:
    """``trials``: how often chance tried each action in what is learned from; who is in the control group keeps the plan by chance."""
    by_chance = learned.groups["taken"] != CHOSEN
    return {"trials": dict(Counter(learned.groups["action"][by_chance].tolist()))}


def choices(since: datetime, as_of: datetime) -> Choices | None:
    """Boundaries from ``since`` on where chance could take more than one option, with what came of the one it took, in micros: what the
    break before the place was expected to earn, and what was watched from there times what that was worth. None without any."""
    made = [one for row in _rows(EVERY, since, as_of) if (one := _lot(row)) is not None]
    if not made:
        return None
    sizes = [len(options) for _, options, _ in made]
    starts = np.cumsum([0, *sizes[:-1]])
    every = [option for _, options, _ in made for option in options]
    fixed, slope, chance = (np.array([float(option[name]) for option in every]) for name in ("now", "later", "propensity"))
    chosen = starts + np.array([place for _, _, place in made])
    reward = fixed[chosen] + slope[chosen] * np.array([row[4] for row, _, _ in made])
    return Choices(
        reward=reward,
        worth=reward,
        propensity=chance[chosen],
        exploring=np.minimum.reduceat(chance, starts) * sizes,
        chosen=chosen,
        session=np.array([str(row[0]) for row, _, _ in made], dtype=np.str_),
        choice=np.repeat(np.arange(len(made)), sizes),
        features=np.vstack([rows_of(row[2], [option["features"] for option in options]) for row, options, _ in made]),
        level=np.zeros(len(every), dtype=np.int64),
        fixed=fixed,
        slope=slope,
    )


def best(lots: Choices, model: Predictor, kept: Mapping[str, Any]) -> Ints:
    """The rule of `policy.best` over many boundaries at once: the highest lower bound of the gain over keeping, which is the first option
    of every lot, of what chance has tried often enough; keeping where no bound is positive."""
    trials = kept.get("trials", {})
    proven = np.array([trials.get(action, 0) >= settings.DIRECTOR_LEAST_TRIALS for action in ACTIONS])
    starts = lots.starts
    money = lots.fixed[:, np.newaxis] + lots.slope[:, np.newaxis] * spread_of(model, lots.features)
    low: Floats = np.quantile(money - money[starts[lots.choice]], settings.DIRECTOR_GAIN_QUANTILE, axis=1)
    score = np.where(proven[lots.features[:, OPTION].astype(np.int64)] & (low > 0), low, -np.inf)
    score[starts] = 0.0
    return lots.highest(score)


def _rows(query: str, since: datetime, as_of: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"since": since, "silent": as_of - IDLE})
        return [(*row[:2], json.loads(row[2]), json.loads(row[3]) if row[3] else None, *row[4:]) for row in cursor.fetchall()]


def _how(*, explored: bool, arm: str) -> str:
    return BY_CHANCE if explored else CONTROL_GROUP if arm == CONTROL else CHOSEN


def _lot(row: Sequence[Any]) -> tuple[Sequence[Any], list[Mapping[str, Any]], int] | None:
    """(row, the options that could have been taken, the place of the one that was); None where chance had nothing to choose."""
    options = [option for option in row[3] or () if option.get("propensity", 0) > 0 and "features" in option]
    taken = next((place for place, option in enumerate(options) if option.get("taken")), None)
    if taken is None or len(options) < 2 or options[0]["action"] != "keep":
        return None
    return row, options, taken
