"""Which online counters a request reads, and which ones an outcome adds to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import redis

from adplatform.learning import online
from ads.decision.request import AdRequest
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


def wanted(
    request: AdRequest, *, ads: Sequence[int], campaigns: Sequence[int], advertisers: Sequence[int], categories: Sequence[str]
) -> online.Wanted:
    """The counters one decision reads, for sequences aligned with the ads of the inventory. Queue it in the decision's pipeline."""
    genre = request.genres[0] if request.genres else ""
    return online.Wanted(
        {
            "ad": ads,
            "campaign": campaigns,
            "advertiser": advertisers,
            "category": categories,
            "genre_category": [f"{genre}/{category}" for category in categories],
            "all": ["all"],
            "title": [request.title or 0],
            "viewer": [str(request.viewer) if request.viewer and request.consent else ""],
        }
    )


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
