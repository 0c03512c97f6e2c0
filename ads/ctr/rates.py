"""Which online counters an outcome adds to, and how all of them are counted again from the tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import redis
from django.db.models import Count, F, Sum

from adplatform.learning import online
from ads.decision.state import AD_SCOPES, REQUEST_SCOPES
from ads.models import Ad, AdEvent, DeliveryDay

SCOPES = AD_SCOPES + REQUEST_SCOPES
COUNTED = {"ad.impression": "impressions", "ad.click": "clicks", "ad.complete": "completes", "ad.skip": "skips", "ad.error": "errors"}
# Viewers are many and a decision needs one of them; of everything else it needs most.
STORE = online.Store(tabled=frozenset(SCOPES) - {"viewer"}, hashed=frozenset({"viewer"}))


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
    STORE.record(client, increments(outcomes))


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


def rebuild(client: redis.Redis) -> None:
    """Count everything again from what is stored. What is recorded while this runs is missing until the next time."""
    STORE.replace(client, increments_of_tables())


def increments_of_tables() -> Iterator[online.Increment]:
    """The counters as the rollups and, for viewers, the valid events hold them. Viewers are on events with consent alone."""
    category_of = dict(Ad.objects.values_list("id", "category"))
    keys = ("ad_id", "campaign_id", "advertiser_id", "genre", "title_id")
    columns = {"impressions": "impressions", "clicks": "clicks", "completes": "completed_views", "skips": "skips", "errors": "errors"}
    measures = {counter: Sum(column) for counter, column in columns.items()}
    for row in DeliveryDay.objects.values(*keys).annotate(**{f"{name}_": total for name, total in measures.items()}).iterator():
        category = category_of.get(row["ad_id"], "")
        for counter in measures:
            by = row[f"{counter}_"]
            for scope, key in (
                ("ad", row["ad_id"]), ("campaign", row["campaign_id"]), ("advertiser", row["advertiser_id"]), ("category", category),
                ("genre_category", f"{row['genre']}/{category}"), ("all", "all"), ("title", row["title_id"]),
            ):  # fmt: skip
                yield online.Increment(scope, key, counter, by)
    seen = AdEvent.objects.filter(valid=True, viewer__isnull=False, type__in=COUNTED)
    for row in seen.values("viewer", kind=F("type")).annotate(by=Count("id")).order_by().iterator():
        yield online.Increment("viewer", str(row["viewer"]), COUNTED[row["kind"]], row["by"])
