"""Which online counters an outcome adds to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import redis

from adplatform.learning import online
from ads.decision.state import AD_SCOPES, REQUEST_SCOPES

SCOPES = AD_SCOPES + REQUEST_SCOPES
COUNTED = {"ad.impression": "impressions", "ad.click": "clicks", "ad.complete": "completes"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One valid tracking event that was stored for the first time. ``viewer`` is None without consent."""

    type: str
    ad: int
    campaign: int
    advertiser: int
    category: str
    genre: str
    title: int | None
    viewer: uuid.UUID | None


def record(client: redis.Redis, outcomes: Iterable[Outcome]) -> None:
    """Count outcomes; for newly inserted rows only, after their transaction has committed. Other types are ignored."""
    online.record(client, increments(outcomes))


def increments(outcomes: Iterable[Outcome]) -> Iterator[online.Increment]:
    for outcome in outcomes:
        counter = COUNTED.get(outcome.type)
        if counter is None:
            continue
        yield online.Increment("ad", outcome.ad, counter)
        yield online.Increment("campaign", outcome.campaign, counter)
        yield online.Increment("advertiser", outcome.advertiser, counter)
        yield online.Increment("category", outcome.category, counter)
        yield online.Increment("genre_category", f"{outcome.genre}/{outcome.category}", counter)
        yield online.Increment("all", "all", counter)
        yield online.Increment("title", outcome.title or 0, counter)
        if outcome.viewer is not None:
            yield online.Increment("viewer", str(outcome.viewer), counter)
