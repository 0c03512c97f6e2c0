"""What was seen of a challenger of the click or the completion model, in shadow and in its canary, from decisions and events."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from adplatform.learning import registry
from adplatform.learning.metrics import Floats
from adplatform.learning.rollout import CANARY, Arm, Evidence, ShadowRows
from adplatform.learning.stages import Source
from adplatform.models import ModelVersion
from ads.decision.control import CONTROL_SHARE

from . import dataset
from .features import SCHEMA
from .rollout import LOGGED

# Decisions of one audience: kinds take turns in their canaries.
TRAFFIC = "ad decisions"
# Of a long shadow the newest rows; of those the newest are asked again.
MOST_SHADOW_ROWS, REPLAYED = 20_000, 500


@dataclass(frozen=True, slots=True)
class _Outcome:
    event: str
    window: timedelta
    reward: str
    version: str


OUTCOMES = {
    "ctr": _Outcome("ad.click", dataset.CLICK_WINDOW, "clicks", "model_version"),
    "completion": _Outcome("ad.complete", dataset.COMPLETION_WINDOW, "completed views", "completion_version"),
}

# An outcome is known once its window has closed; until then, and where the ad was not seen as far as the player can tell, it is null.
# What counts as seen is what training learns from, see `rows.select`.
SLOTS = """
WITH picked AS MATERIALIZED (
    SELECT id, day, decided_at, session::text AS session, coalesce(viewer, session) AS unit, model_arm, slots FROM ads_decision
    WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at < %(until)s
), happened AS MATERIALIZED (
    SELECT e.decision, e.slot,
           min(e.occurred_at) FILTER (WHERE e.type = 'ad.impression') AS at, min(e.ua_hash) FILTER (WHERE e.type = 'ad.impression') AS ua_hash,
           bool_or(e.type = 'ad.viewable') AS viewable, min(e.occurred_at) FILTER (WHERE e.type = 'ad.click') AS clicked_at,
           min(e.occurred_at) FILTER (WHERE e.type = %(outcome)s) AS came_at
    FROM picked p JOIN ads_adevent e ON e.decision = p.id AND e.day = p.day
    WHERE e.day BETWEEN %(first_day)s AND %(last_day)s AND e.valid AND e.received_at <= %(until)s
      AND e.type IN ('ad.impression', 'ad.viewable', 'ad.click', %(outcome)s)
    GROUP BY e.decision, e.slot
), software AS (
    SELECT ua_hash, bool_or(viewable) AS tells, count(*) AS shown, bool_or(bool_or(viewable)) OVER () AS anybody
    FROM happened WHERE at IS NOT NULL GROUP BY ua_hash
), seen AS (
    SELECT decision, slot, coalesce(came_at <= at + %(window)s, false)::int AS outcome FROM happened JOIN software USING (ua_hash)
    WHERE at < %(mature)s
      AND (viewable OR clicked_at <= at + %(window)s OR (NOT tells AND (shown >= %(least_to_tell)s OR NOT anybody)))
)
SELECT p.id, p.session, p.unit, p.model_arm, p.decided_at, slot.value AS slot, seen.outcome
FROM picked p
CROSS JOIN LATERAL jsonb_array_elements(p.slots) AS slot
LEFT JOIN seen ON seen.decision = p.id AND seen.slot = (slot.value->>'slot')::int
"""
SHADOW_ROWS = """
SELECT session, slot->%(shadow)s::text, (slot->>%(score)s::text)::float8, outcome, CASE WHEN number <= %(replayed)s THEN slot->'features' END
FROM (SELECT *, row_number() OVER (ORDER BY decided_at DESC, id) AS number FROM ({slots}) AS all_slots) AS numbered
WHERE number <= %(most)s
"""
DECISIONS = """
SELECT model_arm, coalesce(viewer, session), milliseconds, slots <> '[]'::jsonb, {version}
FROM ads_decision
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at < %(until)s AND model_arm <> ''
"""
UNITS = """
SELECT model_arm, count(*), sum(outcome), sum((slot->>%(score)s::text)::float8) FROM ({slots}) AS all_slots
WHERE model_arm <> '' AND outcome IS NOT NULL GROUP BY model_arm, unit ORDER BY model_arm, unit
"""


def load(version: ModelVersion, since: datetime, until: datetime) -> Evidence:
    """What was decided from ``since`` to ``until``: of a version in shadow what it said, of one in canary how its arm did."""
    outcome = OUTCOMES[version.kind]
    bounds: dict[str, Any] = {
        "since": since,
        "until": until,
        "mature": until - outcome.window,
        "window": outcome.window,
        "outcome": outcome.event,
        "least_to_tell": dataset.LEAST_TO_TELL,
        "first_day": since.astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date(),
    }
    if version.status == CANARY:
        return Evidence(arms=_arms(version, outcome, bounds), control_share=CONTROL_SHARE, reward=outcome.reward)
    return Evidence(shadow=_shadow(version, bounds), control_share=CONTROL_SHARE, reward=outcome.reward)


SOURCES = [Source(kind, load, TRAFFIC) for kind in OUTCOMES]


# Shadow


def _shadow(version: ModelVersion, bounds: dict[str, Any]) -> ShadowRows:
    logged = LOGGED[version.kind]
    asked: dict[str, Any] = {"shadow": logged.shadow, "score": logged.score, "most": MOST_SHADOW_ROWS, "replayed": REPLAYED}
    with connection.cursor() as cursor:
        cursor.execute(SHADOW_ROWS.format(slots=SLOTS), {**bounds, **asked})
        rows = cursor.fetchall()
    said = [_said(row[1], version.number, logged.score) for row in rows]
    known = [(row, score) for row, score in zip(rows, said, strict=True) if score is not None]
    return ShadowRows(
        scores=np.array([score for _, score in known], dtype=np.float64),
        replayed=_replayed(version, [row[4] for row, _ in known]),
        served=np.array([row[2] for row, _ in known], dtype=np.float64),
        outcomes=np.array([np.nan if row[3] is None else row[3] for row, _ in known], dtype=np.float64),
        session=np.array([row[0] for row, _ in known], dtype=np.str_),
        unscored=len(rows) - len(known),
    )


def _said(shadow: str | None, version: int, score: str) -> float | None:
    told = json.loads(shadow) if shadow else {}
    return float(told[score]) if told.get("version") == version else None


def _replayed(version: ModelVersion, features: list[str | None]) -> Floats:
    """What the artifact, loaded anew, answers for the rows as they were served; NaN where it was not asked."""
    answers = np.full(len(features), np.nan)
    packed = [(place, json.loads(row)) for place, row in enumerate(features) if row]
    asked = [(place, SCHEMA.unpack(row)) for place, row in packed if row.get("schema") == SCHEMA.fingerprint()]
    if asked:
        places, rows = zip(*asked, strict=True)
        answers[list(places)] = registry.load_version(version).predictor.predict(np.array(rows, dtype=np.float32))
    return answers


# Canary


def _arms(version: ModelVersion, outcome: _Outcome, bounds: dict[str, Any]) -> dict[str, Arm]:
    with connection.cursor() as cursor:
        cursor.execute(DECISIONS.format(version=outcome.version), bounds)
        decided = cursor.fetchall()
        cursor.execute(UNITS.format(slots=SLOTS), {**bounds, "score": LOGGED[version.kind].score})
        outcomes = cursor.fetchall()
    units: defaultdict[str, set[Any]] = defaultdict(set)
    milliseconds: defaultdict[str, list[float]] = defaultdict(list)
    strays: defaultdict[str, int] = defaultdict(int)
    for arm, unit, took, filled, answered in decided:
        units[arm].add(unit)
        # Nothing is scored where no ad may serve at all.
        if filled:
            milliseconds[arm].append(took)
            strays[arm] += arm == CANARY and answered != version.number
    return {
        arm: Arm(len(units[arm]), *_sums(row[1:] for row in outcomes if row[0] == arm), np.array(milliseconds[arm]), strays[arm])
        for arm in sorted(units)
    }


def _sums(rows: Iterable[tuple[Any, ...]]) -> tuple[Floats, Floats, Floats]:
    table = np.array([[float(value) for value in row] for row in rows], dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
