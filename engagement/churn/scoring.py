"""Scores: how likely each viewer with consent is not to come back, once an hour, with the reasons in words."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction

from adplatform.learning import registry
from adplatform.learning.predictor import contributions_of
from adplatform.learning.registry import LoadedModel
from adplatform.learning.schema import Matrix
from engagement.models import ChurnScore, PlaybackSession, Viewer

from .dataset import CHUNK, horizon
from .features import SCHEMA, WINDOW_DAYS, build
from .reasons import reasons
from .training import KIND
from .visits import visits_of

KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Scored:
    """``viewers`` scored and, of those, ``at_risk``; ``words`` say why there are none."""

    viewers: int = 0
    at_risk: int = 0
    words: str = ""


def viewers_score(*, now: datetime) -> Scored:
    """Score every viewer with consent who was here within the horizon; one score a viewer and day, the newest. Safe to run twice and at
    once. Scores of viewers who gave no consent, and old ones, are deleted."""
    ChurnScore.objects.filter(viewer__ads_consent=False).delete()
    ChurnScore.objects.filter(day__lt=(now - timedelta(days=KEPT_DAYS)).date()).delete()
    champion = registry.load_champion(KIND)
    if champion is None:
        return Scored(words="No churn model serves yet: a risk is known once one was trained. See manage.py train churn.")
    if champion.schema_fingerprint != SCHEMA.fingerprint():
        return Scored(
            words=f"The churn model that serves answers another question than whether viewers stay away for {settings.CHURN_HORIZON_DAYS:g} days;"
            " train one for it: manage.py train churn."
        )
    viewers = _came_lately(now)
    stored = [score for start in range(0, len(viewers), CHUNK) for score in _score(champion, viewers[start : start + CHUNK], now)]
    return Scored(len(stored), sum(score.risk >= settings.CHURN_AT_RISK for score in stored))


def _came_lately(now: datetime) -> list[uuid.UUID]:
    came = PlaybackSession.objects.filter(consent=True, started_at__gt=now - horizon(), started_at__lte=now, viewer__ads_consent=True)
    return sorted({viewer for viewer in came.values_list("viewer", flat=True).distinct() if viewer is not None})


def _score(champion: LoadedModel, viewers: Sequence[uuid.UUID], now: datetime) -> list[ChurnScore]:
    found = visits_of(viewers, since=now - timedelta(days=WINDOW_DAYS), as_of=now)
    known = sorted(found)
    features = np.vstack([np.empty((0, len(SCHEMA.features)), dtype=np.float32), *(build(found[viewer], now.timestamp()) for viewer in known)])
    risks, effects = champion.predictor.predict(features), _effects(champion, features)
    scores = [
        ChurnScore(
            viewer_id=viewer, day=now.astimezone(UTC).date(), scored_at=now, risk=min(1.0, max(0.0, float(risks[place]))),
            reasons=reasons(features[place], effects[place]) if effects is not None else [], model_version=champion.version_number,
        )
        for place, viewer in enumerate(known)
    ]  # fmt: skip
    return _store(scores)


def _effects(champion: LoadedModel, features: Matrix) -> np.ndarray | None:
    """None for a model that cannot say what each column added."""
    told = contributions_of(champion.predictor, features) if len(features) else None
    return None if told is None else told[0]


def _store(scores: Sequence[ChurnScore]) -> list[ChurnScore]:
    """Of viewers who are still there and still consent: their rows are held until the scores are in, so a withdrawal comes before or after."""
    with transaction.atomic():
        asked = Viewer.objects.select_for_update().filter(pk__in=[score.viewer_id for score in scores], ads_consent=True)
        allowed = set(asked.order_by("pk").values_list("pk", flat=True))
        kept = [score for score in scores if score.viewer_id in allowed]
        ChurnScore.objects.bulk_create(
            kept, update_conflicts=True, unique_fields=["viewer", "day"], update_fields=["scored_at", "risk", "reasons", "model_version"]
        )
    return kept
