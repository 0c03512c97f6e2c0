"""Rows as the consumer leaves them, for tests that read them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from adplatform.eventlog.rollup import truncate
from ads.models import BreakDay, BreakHour, BreakMinute, DeliveryDay, DeliveryHour, DeliveryMinute
from catalog.models import Title
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackDay, PlaybackHour, PlaybackMinute, PlaybackSession

DELIVERY = (DeliveryMinute, DeliveryHour, DeliveryDay)
BREAKS = (BreakMinute, BreakHour, BreakDay)
PLAYBACK = (PlaybackMinute, PlaybackHour, PlaybackDay)


def _fold(models: tuple[Any, ...], at: datetime, keys: dict[str, Any], measures: dict[str, int]) -> None:
    for model, grain in zip(models, ("minute", "hour", "day"), strict=True):
        row, _ = model.objects.get_or_create(bucket=truncate(at, grain), **keys)
        for measure, value in measures.items():
            setattr(row, measure, getattr(row, measure) + value)
        row.save()


def delivered(at: datetime, *, ad: int = 1, campaign: int = 1, synthetic: bool = False, **measures: int) -> None:
    _fold(DELIVERY, at, {"advertiser_id": 1, "campaign_id": campaign, "flight_id": 1, "ad_id": ad, "synthetic": synthetic}, measures)


def asked(at: datetime, *, title: int = 0, **measures: int) -> None:
    _fold(BREAKS, at, {"title_id": title}, measures)


def watched(at: datetime, *, title: int = 1, scene: int = 0, synthetic: bool = False, **measures: int) -> None:
    _fold(PLAYBACK, at, {"title_id": title, "scene_id": scene, "synthetic": synthetic}, measures)


def a_title(name: str = "Ember Coast") -> Title:
    return Title.objects.get_or_create(name=name, defaults={"slug": name.lower().replace(" ", "-")})[0]


def a_session(now: datetime, *, started: float, seen: float, ended: float | None = None, synthetic: bool = False) -> PlaybackSession:
    """``started``, ``seen`` and ``ended`` are seconds before ``now``."""
    return PlaybackSession.objects.create(
        id=uuid.uuid4(),
        title=a_title(),
        hour=12,
        started_at=now - timedelta(seconds=started),
        last_seen_at=now - timedelta(seconds=seen),
        ended_at=None if ended is None else now - timedelta(seconds=ended),
        synthetic=synthetic,
    )


def directed(at: datetime, *, engagement: float | None, applied: bool = False, title: int = 1) -> DirectorDecision:
    return DirectorDecision.objects.create(
        id=uuid.uuid4(),
        session=uuid.uuid4(),
        title=title,
        decided_at=at,
        action="bring_forward",
        applied=applied,
        reason="A stronger scene",
        engagement=engagement,
    )


def changed(at: datetime, *, done: bool, watched: float) -> None:
    """A boundary at which a tight cut was intended, in a session of its own, and what was watched of the scene there."""
    made = DirectorDecision.objects.create(
        id=uuid.uuid4(), session=uuid.uuid4(), title=1, decided_at=at, place=2, intended="tighten", action="tighten" if done else "keep",
        applied=done, arm="director" if done else "control", reason="Attention is low.",
    )  # fmt: skip
    DirectorOutcome.objects.create(decision=made.pk, decided_at=at, session=made.session, reached=True, watched=watched, judged_at=at)
