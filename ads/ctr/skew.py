"""Training-serving skew: do the features that were served follow from the log, and the scores from the features?

A sample of served ads is computed again from the log as of its decision and compared column by column. Two differences are
honest and are allowed for. In time: a decision may be made before the consumer has counted what the edge had received, so a
counter may be anything it was in the last minutes before. In size: events are judged anew when their window closes, and
increments that were lost with a process come back at night, so a rate may be off by two in a hundred. Written history is left
out: it is stored in portions on a clock of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from django.db import connection
from numpy.typing import NDArray

from adplatform.learning import registry
from adplatform.learning.predictor import ArtifactRefused, Predictor, TwoStagePredictor
from adplatform.learning.schema import Matrix
from adplatform.models import ModelVersion
from ads.decision.request import AdRequest
from ads.models import Decision

from .features import SCHEMA
from .recompute import Asked, ServedAd, load_counters, row_at

# Columns that follow from counters; all others must be the same to the bit.
COUNTED = tuple(name for name in SCHEMA.names if name.endswith(("_rate", "_impressions")))
LAG = timedelta(minutes=2)
# Looked at again as of so many seconds before the decision, and a moment after it: two machines' clocks are never quite alike.
STEPS = (-1.0, 0.0, 1.0, 5.0, 15.0, 45.0, LAG.total_seconds())
RELATIVE = 0.02
# Of one float32 after sums in another order.
SCORE_TOLERANCE = 1e-6
TOLD = 5


@dataclass(frozen=True, slots=True)
class Skew:
    """Of ``rows`` served ads, ``differing`` were served with features that do not follow from the log; ``by_feature`` counts
    them, ``worst`` is the largest difference of each in its own unit. Of ``scored`` scores of models that are still kept,
    ``misscored`` do not follow from the logged features."""

    rows: int
    differing: int
    by_feature: Mapping[str, int] = field(default_factory=dict)
    worst: Mapping[str, float] = field(default_factory=dict)
    scored: int = 0
    misscored: int = 0

    @property
    def share(self) -> float:
        return self.differing / self.rows if self.rows else 0.0

    @property
    def score_share(self) -> float:
        return self.misscored / self.scored if self.scored else 0.0

    @property
    def words(self) -> str:
        if not self.rows:
            return "No ad was served in this window that could be computed again from the log."
        parts = [f"Of {self.rows:,} served ads computed again from the log, {self.differing:,} ({self.share:.1%}) had other features."]
        if self.by_feature:
            most = sorted(self.by_feature.items(), key=lambda item: (-item[1], item[0]))[:TOLD]
            told = ", ".join(f"{name.replace('_', ' ')} in {count:,} (worst by {self.worst[name]:.4g})" for name, count in most)
            parts.append(f"Most often: {told}.")
        if self.scored:
            parts.append(f"Of {self.scored:,} logged scores, {self.misscored:,} ({self.score_share:.1%}) do not follow from the logged features.")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Sampled:
    """One served ad as it was logged."""

    asked: Asked
    features: Matrix
    score: float
    version: int | None


def check(since: datetime, until: datetime, sample: int, rng: np.random.Generator) -> Skew:
    """Of about ``sample`` ads decided in [since, until). Raises MissingDay when a day it needs cannot be read."""
    rows = load_sample(since, until, sample, rng)
    counters = load_counters([row.asked for row in rows])
    again = [[row_at(row.asked, counters, row.asked.at - timedelta(seconds=step)) for step in STEPS] for row in rows]
    scored, misscored = compare_scores(rows)
    return compare(np.array([row.features for row in rows]), np.array(again), scored=scored, misscored=misscored)


def compare(served: Matrix, again: NDArray[np.float32], *, scored: int = 0, misscored: int = 0) -> Skew:
    """``served`` float32 [rows, features] against ``again`` [rows, moments, features]. Pure."""
    if not len(served):
        return Skew(0, 0)
    low, high = again.min(axis=1).astype(np.float64), again.max(axis=1).astype(np.float64)
    relative = np.array([RELATIVE if name in COUNTED else 0.0 for name in SCHEMA.names])
    # How far outside of what it may have been; a value that is there on one side alone is off by all of it.
    off = np.maximum(np.maximum(low - relative * np.abs(low) - served, served - high - relative * np.abs(high)), 0.0)
    alone = np.isnan(served) != np.isnan(low)
    off = np.where(alone, np.abs(np.nan_to_num(served) - np.nan_to_num(low)), np.nan_to_num(off))
    differs = alone | (off > 0)
    counts = differs.sum(axis=0)
    names = [name for place, name in enumerate(SCHEMA.names) if counts[place]]
    return Skew(
        rows=len(served),
        differing=int(differs.any(axis=1).sum()),
        by_feature={name: int(counts[SCHEMA.index[name]]) for name in names},
        worst={name: float(off[:, SCHEMA.index[name]].max()) for name in names},
        scored=scored,
        misscored=misscored,
    )


def compare_scores(rows: Sequence[Sampled]) -> tuple[int, int]:
    """(scores looked at, scores that the same artifact does not give for the logged features)."""
    scored = misscored = 0
    for version in sorted({row.version for row in rows if row.version}):
        predictor = _predictor(version)
        mine = [row for row in rows if row.version == version]
        if predictor is not None:
            scored += len(mine)
            misscored += int((~replays(predictor, np.array([row.features for row in mine]), np.array([row.score for row in mine]))).sum())
    return scored, misscored


def replays(predictor: Predictor, rows: Matrix, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """bool [n]. A model that ranks a shortlist leaves the rest to a cheaper score: the first of two stages, or the smoothed rate."""
    cheap = predictor.first.predict(rows) if isinstance(predictor, TwoStagePredictor) else rows[:, SCHEMA.index["ad_click_rate"]]
    close: NDArray[np.bool_] = np.isclose(predictor.predict(rows), scores, rtol=1e-5, atol=SCORE_TOLERANCE)
    return close | np.isclose(cheap, scores, rtol=1e-5, atol=SCORE_TOLERANCE)


def _predictor(number: int) -> Predictor | None:
    """None where the model is gone, or can be loaded no more: then its scores tell nothing."""
    version = ModelVersion.objects.filter(kind="ctr", number=number).first()
    try:
        return None if version is None else registry.load_version(version).predictor
    except ArtifactRefused:
        return None


# What was logged

SERVED = """
SELECT d.id FROM ads_decision d
WHERE d.day BETWEEN %s AND %s AND d.decided_at >= %s AND d.decided_at < %s AND d.slots <> '[]'::jsonb
  AND (NOT d.synthetic OR EXISTS (SELECT 1 FROM ads_adevent e WHERE e.day = d.day AND e.decision = d.id AND e.received_at <> e.occurred_at))
ORDER BY d.id
"""


def load_sample(since: datetime, until: datetime, sample: int, rng: np.random.Generator) -> list[Sampled]:
    """One ad of each of ``sample`` decisions, or of all where there are fewer."""
    days = (since.astimezone(UTC).date(), until.astimezone(UTC).date())
    with connection.cursor() as cursor:
        cursor.execute(SERVED, [*days, since, until])
        ids: list[uuid.UUID] = [row[0] for row in cursor.fetchall()]
    chosen = [ids[place] for place in sorted(rng.choice(len(ids), size=min(sample, len(ids)), replace=False).tolist())] if ids else []
    stored = Decision.objects.filter(day__range=days, id__in=chosen).only("id", "decided_at", "request", "slots", "state", "model_version")
    rows = (_sampled(decision, rng) for decision in stored.order_by("id").iterator(chunk_size=500))
    return [row for row in rows if row is not None]


def _sampled(decision: Decision, rng: np.random.Generator) -> Sampled | None:
    """None for what was logged under another schema."""
    slot = decision.slots[int(rng.integers(len(decision.slots)))]
    if slot["features"].get("schema") != SCHEMA.fingerprint():
        return None
    asked = Asked(
        at=decision.decided_at,
        request=msgspec.convert(decision.request, AdRequest),
        ad=msgspec.convert(slot, ServedAd),
        seen=[(entry[1], entry[3]) for entry in decision.state["seen"]],
    )
    return Sampled(asked, np.array(SCHEMA.unpack(slot["features"]), dtype=np.float32), slot["pctr"], decision.model_version)
