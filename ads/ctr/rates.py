"""Which online counters an outcome adds to, and how all of them are counted again from the tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

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
        if counter is not None:
            for scope, key in keys_of(outcome):
                yield online.Increment(scope, key, counter)


def keys_of(outcome: Outcome) -> Iterator[tuple[str, online.Key]]:
    """(scope, key) of every counter that an outcome adds to."""
    yield "ad", outcome.ad
    yield "campaign", outcome.campaign
    yield "advertiser", outcome.advertiser
    yield "category", outcome.category
    yield "genre_category", f"{outcome.genre}/{outcome.category}"
    yield "all", "all"
    yield "title", outcome.title or 0
    if outcome.viewer is not None:
        yield "viewer", str(outcome.viewer)


def rebuild(client: redis.Redis) -> None:
    """Count everything again from what is stored. What is recorded while this runs is missing until the next time."""
    STORE.replace(client, increments_of_tables())


def increments_of_tables(*, before: date | None = None) -> Iterator[online.Increment]:
    """The counters as the rollups and, for viewers, the valid events hold them, of the UTC days ``before`` alone where one is given.
    Viewers are on events with consent alone, and forgotten when their events' days leave the database."""
    category_of = dict(Ad.objects.values_list("id", "category"))
    keys = ("ad_id", "campaign_id", "advertiser_id", "genre", "title_id")
    columns = {"impressions": "impressions", "clicks": "clicks", "completes": "completed_views", "skips": "skips", "errors": "errors"}
    measures = {counter: Sum(column) for counter, column in columns.items()}
    days, seen = DeliveryDay.objects.all(), AdEvent.objects.filter(valid=True, viewer__isnull=False, type__in=COUNTED)
    if before is not None:
        midnight = datetime(before.year, before.month, before.day, tzinfo=UTC)
        days, seen = days.filter(bucket__lt=midnight), seen.filter(day__lte=before, occurred_at__lt=midnight)
    for row in days.values(*keys).annotate(**{f"{name}_": total for name, total in measures.items()}).iterator():
        category = category_of.get(row["ad_id"], "")
        for counter in measures:
            by = row[f"{counter}_"]
            for scope, key in (
                ("ad", row["ad_id"]), ("campaign", row["campaign_id"]), ("advertiser", row["advertiser_id"]), ("category", category),
                ("genre_category", f"{row['genre']}/{category}"), ("all", "all"), ("title", row["title_id"]),
            ):  # fmt: skip
                yield online.Increment(scope, key, counter, by)
    for row in seen.values("viewer", kind=F("type")).annotate(by=Count("id")).order_by().iterator():
        yield online.Increment("viewer", str(row["viewer"]), COUNTED[row["kind"]], row["by"])
