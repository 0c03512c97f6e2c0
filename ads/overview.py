"""What somebody who sells ads wants to know first: what is in danger, what waits, what was earned, what changed.

Each reading is one query over what ``user`` may see (`ads.scope`), and narrow enough for ten thousand flights. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.db.models import BigIntegerField, Case, Count, F, FloatField, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce

from .models import Ad, BreakDay, CreativeFile, DeliveryDay, DeliveryHour, DeliveryMinute, Flight
from .scope import advertiser_of, visible_to
from .standing import AHEAD, BEHIND, Standing, flights_standing, midnight, running

Reader = User | AnonymousUser
SHOWN = 8
ENDS_WITHIN = timedelta(days=7)
REFUSED_WITHIN = timedelta(days=14)
TREND_DAYS = 14
KEPT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Earned:
    """Money in micros (booked less given back, at the time of delivery), impressions, breaks asked for and filled. ``before`` is
    yesterday up to the same minute. ``days`` are the micros of the last days, today last. Breaks are None for who sees one advertiser."""

    micros: int
    before_micros: int
    month_micros: int
    impressions: int
    before_impressions: int
    requests: int | None
    filled: int | None
    days: tuple[int, ...]
    synthetic: bool

    @property
    def ecpm_micros(self) -> int | None:
        return self.micros * 1000 // self.impressions if self.impressions else None

    @property
    def fill_rate(self) -> float | None:
        return self.filled / self.requests if self.requests and self.filled is not None else None


def earned(user: Reader, now: datetime) -> Earned:
    """Today, yesterday by now, and the month. From the day rollup; of yesterday's running hour the minutes."""
    today = midnight(now.date())
    month, first = today.replace(day=1), today - timedelta(days=TREND_DAYS - 1)
    days = _days_over(user, min(month, first), today)
    sums = _own(user, DeliveryDay.objects.filter(bucket=today)).values_list("synthetic").annotate(r=Sum("revenue_micros"), i=Sum("impressions"))
    shown = micros = 0
    synthetic = False
    for marked, revenue, impressions in sums:
        micros, shown, synthetic = micros + revenue, shown + impressions, synthetic or marked
    days[today] = micros
    in_month = sum(revenue for bucket, revenue in days.items() if bucket >= month)
    before = _yesterday_by_now(user, now)
    asked, filled = _breaks(user, today)
    trend = tuple(days.get(first + timedelta(days=day), 0) for day in range(TREND_DAYS))
    return Earned(micros, before[0], in_month, shown, before[1], asked, filled, trend, synthetic)


def _days_over(user: Reader, first: datetime, today: datetime) -> dict[datetime, int]:
    """Micros of each day from ``first`` on that is over. They hardly change any more, and hold half a million rows with ten thousand
    flights: late events and money given back show in them within `KEPT_SECONDS`."""
    key = f"overview:days:{advertiser_of(user)}:{first:%Y%m%d}:{today:%Y%m%d}"
    days: dict[datetime, int] | None = cache.get(key)
    if days is None:
        rows = _own(user, DeliveryDay.objects.filter(bucket__gte=first, bucket__lt=today))
        days = dict(rows.values_list("bucket").annotate(r=Sum("revenue_micros")))
        cache.set(key, days, KEPT_SECONDS)
    return days


def _yesterday_by_now(user: Reader, now: datetime) -> tuple[int, int]:
    at = now - timedelta(days=1)
    hour, day = at.replace(minute=0, second=0, microsecond=0), midnight(at.date())
    found = [0, 0]
    for rows in (
        DeliveryHour.objects.filter(bucket__gte=day, bucket__lt=hour),
        DeliveryMinute.objects.filter(bucket__gte=hour, bucket__lt=at),
    ):
        sums = _own(user, rows).aggregate(r=Coalesce(Sum("revenue_micros"), 0, output_field=BigIntegerField()), i=Coalesce(Sum("impressions"), 0))
        found[0] += sums["r"]
        found[1] += sums["i"]
    return found[0], found[1]


def _breaks(user: Reader, today: datetime) -> tuple[int | None, int | None]:
    """A break belongs to no advertiser: who sees one of them is told nothing of it."""
    if advertiser_of(user) is not None:
        return None, None
    sums = BreakDay.objects.filter(bucket=today).aggregate(asked=Coalesce(Sum("requests"), 0), filled=Coalesce(Sum("filled"), 0))
    return sums["asked"], sums["filled"]


def _own(user: Reader, rows: QuerySet[Any]) -> QuerySet[Any]:
    advertiser = advertiser_of(user)
    return rows if advertiser is None else rows.filter(advertiser_id=advertiser)


def _going(user: Reader, now: datetime) -> QuerySet[Flight]:
    return visible_to(user, Flight.objects.filter(running(now))).select_related("campaign__advertiser", "balance", "forecast")


def at_risk(user: Reader, now: datetime, limit: int = SHOWN) -> list[Any]:
    """Flights whose forecast says they miss, the worst first, with ``expected_share`` of the goal (None without a goal)."""
    rows = _going(user, now).filter(forecast__warning__gt="")
    share = Case(
        When(goal_amount__gt=0, then=F("forecast__expected_delivery") / Cast(F("goal_amount"), FloatField())),
        default=Value(None),
        output_field=FloatField(),
    )
    ordered = rows.annotate(expected_share=share).order_by(F("expected_share").asc(nulls_last=True), "ends_at", "pk")
    return list(ordered.defer("forecast__supply", "forecast__layers", "forecast__conflicts", "targeting", "campaign__targeting")[:limit])


def ending_soon(user: Reader, now: datetime, limit: int = SHOWN) -> list[Any]:
    """Running flights that end within the week, the soonest first, with their standing."""
    rows = flights_standing(_going(user, now).filter(ends_at__lte=now + ENDS_WITHIN), now)
    return list(rows.order_by("ends_at", "pk").defer("forecast__supply", "forecast__layers", "forecast__conflicts")[:limit])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many flights run, and how they are paced; ``risk`` have a forecast that misses, ``silent`` have nothing that may serve."""

    live: int
    scheduled: int
    behind: int
    ahead: int
    risk: int
    silent: int
    drafts: int


def counts(user: Reader, now: datetime) -> Counts:
    rows = flights_standing(visible_to(user, Flight.objects.filter(Q(state=Flight.State.DRAFT) | running(now))), now)
    band = Case(When(pace__lt=BEHIND, then=Value(-1)), When(pace__gt=AHEAD, then=Value(1)), default=Value(0), output_field=IntegerField())
    # Grouped, so that a flight's standing is worked out once and not for each figure.
    found = rows.annotate(band=band).order_by().values_list("standing", "band").annotate(flights=Count("pk"))
    told = [(Standing(standing), paced, flights) for standing, paced, flights in found]
    going = (Standing.LIVE, Standing.AT_RISK)

    def those(standings: tuple[Standing, ...], band: int | None = None) -> int:
        return sum(n for one, paced, n in told if one in standings and band in (None, paced))

    return Counts(
        live=those(going),
        scheduled=those((Standing.SCHEDULED,)),
        behind=those(going, -1),
        ahead=those(going, 1),
        risk=those((Standing.AT_RISK,)),
        silent=those((Standing.SILENT,)),
        drafts=those((Standing.DRAFT,)),
    )


def waiting(user: Reader, limit: int = SHOWN) -> tuple[list[Any], int]:
    """Ads in review, the longest waiting first (``since``), and how many there are."""
    rows = visible_to(user, Ad.objects.filter(review=Ad.Review.IN_REVIEW))
    changed = Ad.history.filter(id=OuterRef("pk"), review=Ad.Review.IN_REVIEW).order_by("-history_date").values("history_date")[:1]
    found = (
        rows.select_related("asset", "flight__campaign__advertiser").annotate(since=Subquery(changed)).order_by(F("since").asc(nulls_last=True), "pk")
    )
    return list(found[:limit]), rows.count()


@dataclass(frozen=True, slots=True)
class Refused:
    """An ad that somebody has to mend: the file could not be used, or it was rejected."""

    ad: int
    name: str
    flight: str
    why: str
    when: datetime | None


def refused(user: Reader, now: datetime, limit: int = SHOWN) -> list[Refused]:
    """Uploads that failed and ads that were rejected in the last two weeks, the latest first."""
    since = now - REFUSED_WITHIN
    ads = visible_to(user, Ad.objects.exclude(review=Ad.Review.APPROVED)).select_related("flight__campaign")
    rejected = ads.filter(review=Ad.Review.REJECTED, reviewed_at__gte=since).order_by("-reviewed_at")[:limit]
    broken = ads.filter(asset__creative_file__state=CreativeFile.State.REFUSED, asset__creative_file__uploaded_at__gte=since).select_related(
        "asset__creative_file"
    )[:limit]
    found = [Refused(ad.pk, ad.name, str(ad.flight), ad.review_note or "Rejected without a note.", ad.reviewed_at) for ad in rejected]
    found += [
        Refused(ad.pk, ad.name, str(ad.flight), ad.asset.creative_file.problem, ad.asset.creative_file.finished_at)
        for ad in broken
        if ad.review != Ad.Review.REJECTED
    ]
    return sorted(found, key=lambda one: one.when or since, reverse=True)[:limit]


def changes(user: Reader, models: Iterable[Any], limit: int = 12) -> list[Any]:
    """The latest history rows of ``models`` (Campaign, Flight, Ad, AdPolicy), with what they are of in ``instance_type``."""
    found = []
    for model in models:
        rows = model.history.select_related("history_user")
        if advertiser_of(user) is not None:
            rows = rows.filter(id__in=visible_to(user, model.objects.all()).values("pk"))
        found += list(rows.order_by("-history_date", "-history_id")[:limit])
    return sorted(found, key=lambda row: row.history_date, reverse=True)[:limit]
