"""Small, real inventories for tests: rows in PostgreSQL, and requests that reach them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adplatform.eventlog import ids, ingest, stream
from adplatform.eventlog.envelope import Event
from ads.ctr.features import CATEGORIES
from ads.decision.request import AdRequest
from ads.models import Ad, Advertiser, Campaign, Flight
from catalog.models import MediaAsset

NOW = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
SEVERAL = 100_000
_numbers = itertools.count(1)


def make_ad(
    *, advertiser: str | None = None, category: str | None = None, duration: float = 10.0, campaign: dict[str, Any] | None = None, **flight: Any
) -> Ad:
    """An approved ad with a ready clip on a live flight of its own, of another category than the one before; ``flight`` overrides the flight's fields, ``campaign`` its campaign's.

    A budget of a few impressions comes with a bid at the reserve price, so that it pays for each of them."""
    number = next(_numbers)
    category = category or CATEGORIES[number % len(CATEGORIES)]
    owner, _ = Advertiser.objects.get_or_create(name=advertiser or f"Advertiser {number}", defaults={"category": category})
    sold = Campaign.objects.create(advertiser=owner, name=f"Campaign {number}", **(campaign or {}))
    tight = min(flight.get(limit) or SEVERAL for limit in ("budget_micros", "daily_budget_micros")) < SEVERAL
    fields: dict[str, Any] = {
        "state": Flight.State.LIVE,
        "starts_at": NOW - timedelta(days=30),
        "ends_at": NOW + timedelta(days=30),
        "pricing": "cpm",
        "bid_micros": 1_000_000 if tight else 20_000_000,
        "goal_type": "impressions",
        "goal_amount": 1_000_000,
        "budget_micros": 10_000_000_000,
        "pacing": "asap",
    }
    made = Flight.objects.create(campaign=sold, name="Flight", **(fields | flight))
    asset = MediaAsset.objects.create(kind="ad", key=f"ad-{number}", path=f"ad-{number}", duration=duration, state="ready")
    return Ad.objects.create(
        flight=made, name=f"Ad {number}", asset=asset, category=category, click_through="https://brand.example/", universal_ad_id=f"test/{number}",
        review=Ad.Review.APPROVED,
    )  # fmt: skip


def make_request(**changes: Any) -> AdRequest:
    """The same ad may come back at once, so that a test can serve it often."""
    request = AdRequest(
        session=uuid.uuid4(), break_id="b1", break_position="mid", break_index=0, duration=30.0, max_ads=2, device="tv", hour=20, weekday=0,
        title=1, genres=("drama",), creative_gap=0.0,
    )  # fmt: skip
    return replace(request, **changes)


def track(token: str, kind: str, *, at: datetime, event_id: uuid.UUID | None = None, seq: int = 0) -> None:
    """Send one tracking event through the edge, as a player would, and append what it accepts."""
    raw = {"v": 1, "id": str(event_id or ids.new_id(at)), "type": kind, "occurred_at": at.isoformat(), "seq": seq, "token": token}
    accepted = ingest.accept([raw], session=None, received_at=at)
    assert not accepted.refused, accepted.refused
    stream.append(accepted.events)


def tracked(token: str, kind: str, *, at: datetime) -> Event:
    raw = {"v": 1, "id": str(ids.new_id(at)), "type": kind, "occurred_at": at.isoformat(), "token": token}
    return ingest.accept([raw], session=None, received_at=at).events[0]
