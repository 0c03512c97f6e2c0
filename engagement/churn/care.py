"""Care for viewers who may be lost: fewer seconds of ads, and the film that will hold them. Measured by an experiment of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from ads.decision.load import SHORTEST_BREAK_SECONDS, Allowance
from engagement.models import ChurnScore, PlaybackSession
from engagement.suggestions import Suggestion, may_use_taste, suggestion_for

EXPERIMENT = "care"
CONTROL = "control"
LIGHTER = "care_lighter"


@dataclass(frozen=True, slots=True)
class Care:
    """``risk`` 0-1 of not coming back, None where it is not known; ``suggestion`` None where nothing else can be watched; of a break's
    seconds ``break_share`` is left."""

    risk: float | None = None
    suggestion: Suggestion | None = None
    break_share: float = 1.0


def care_of(session: PlaybackSession, *, now: datetime) -> Care:
    """What this session gets, with the title to suggest. Two queries, and a third where nobody asked in this process lately."""
    risk = risk_of(session, now=now)
    return Care(risk, suggestion_for(session, now=now, surest=_cared(session, risk)), break_share(session, risk))


def break_share(session: PlaybackSession, risk: float | None) -> float:
    return settings.CARE_BREAK_SHARE if _cared(session, risk) else 1.0


def risk_of(session: PlaybackSession, *, now: datetime) -> float | None:
    """The viewer's newest score that is not older than two horizons; None without one, and without consent."""
    if not may_use_taste(session):
        return None
    since = now - 2 * timedelta(days=settings.CHURN_HORIZON_DAYS)
    scores = ChurnScore.objects.filter(viewer=session.viewer_id, scored_at__gt=since, scored_at__lte=now)
    return scores.order_by("-day").values_list("risk", flat=True).first()


def was_at_risk(viewer: uuid.UUID | None, *, now: datetime) -> bool:
    """Whether care is a question for this viewer: at risk now or at some time that scores tell of. Whoever was once stays in the
    experiment, for what the care did to the risk must not choose who is measured."""
    return ChurnScore.objects.filter(viewer=viewer, risk__gte=settings.CHURN_AT_RISK, scored_at__lte=now).exists()


def lightened(session: PlaybackSession, allowed: Allowance, *, now: datetime) -> Allowance:
    """What a break may have, less for a viewer at risk. One that has room for no ad then is left out (0 seconds)."""
    share = break_share(session, risk_of(session, now=now)) if allowed.seconds else 1.0
    if share >= 1:
        return allowed
    seconds = allowed.seconds * share
    if seconds < min(SHORTEST_BREAK_SECONDS, allowed.seconds):
        return Allowance(0.0, 0, LIGHTER)
    return Allowance(seconds, max(1, round(allowed.ads * share)), LIGHTER)


def _cared(session: PlaybackSession, risk: float | None) -> bool:
    return risk is not None and risk >= settings.CHURN_AT_RISK and session.arms.get(EXPERIMENT) != CONTROL
