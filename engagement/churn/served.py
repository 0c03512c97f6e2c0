"""What the churn model predicted of viewers, for monitoring, with what they then did."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings

from adplatform.learning.monitoring import Served
from engagement.models import ChurnScore

from .dataset import CHUNK, horizon
from .features import SCHEMA, WINDOW_DAYS, Visit, build, stayed_away
from .visits import visits_of


def load(*, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """Scores of [since, until), their features built again from what had arrived by then. A label is known once the horizon has passed."""
    found = ChurnScore.objects.filter(scored_at__gte=since, scored_at__lt=until).order_by("scored_at", "viewer_id")
    every = max(1, -(-found.count() // most))
    scores = [score for score in found.only("viewer_id", "scored_at", "risk", "model_version").iterator() if score.viewer_id.int % every == 0]
    rows = [_row(score, visits, as_of) for score, visits in _with_visits(scores, as_of)]
    at = np.array([score.scored_at.timestamp() for score in scores], dtype=np.float64)
    labels, nothing = np.array([label for _, label in rows], dtype=np.float64), np.full(len(scores), np.nan)
    return Served(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), dtype=np.float32), *(features for features, _ in rows)]),
        scores=np.array([score.risk for score in scores], dtype=np.float64),
        version=np.array([score.model_version for score in scores], dtype=np.int64),
        at=at,
        session=np.array([str(score.viewer_id) for score in scores], dtype=np.str_),
        labels=labels,
        so_far=np.nan_to_num(labels),
        age=as_of.astimezone(UTC).timestamp() - at,
        delay=nothing,
        shadow_version=np.zeros(len(scores), dtype=np.int64),
        shadow_scores=nothing,
        seen_rows=len(scores) * every,
    )


def _with_visits(scores: Sequence[ChurnScore], as_of: datetime) -> list[tuple[ChurnScore, list[Visit]]]:
    """In the order of the scores."""
    by_viewer: dict[uuid.UUID, list[Visit]] = defaultdict(list)
    viewers = sorted({score.viewer_id for score in scores})
    for start in range(0, len(viewers), CHUNK):
        by_viewer.update(visits_of(viewers[start : start + CHUNK], since=scores[0].scored_at - timedelta(days=WINDOW_DAYS), as_of=as_of))
    return [(score, by_viewer[score.viewer_id]) for score in scores]


def _row(score: ChurnScore, visits: Sequence[Visit], as_of: datetime) -> tuple[np.ndarray, float]:
    at = score.scored_at.timestamp()
    known = score.scored_at + horizon() <= as_of
    return build(visits, at), stayed_away(visits, at, horizon_days=settings.CHURN_HORIZON_DAYS) if known else np.nan
