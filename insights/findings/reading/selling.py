"""Flights, their forecasts, their budgets, and how their ads are clicked, for the detectors of what is sold. Four queries in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet, Sum

from adplatform.eventlog.rollup import truncate
from adplatform.learning.metrics import Floats
from ads.models import Ad, Campaign, DeliveryDay, DeliveryHour, Flight
from insights.findings.detectors.budget import PACE, Spending
from insights.findings.detectors.fatigue import Showings
from insights.findings.detectors.pacing import Outlook
from insights.live.business.risk import charged_for

FATIGUE_DAYS = 28
DAY = timedelta(days=1)
# What a charge is made for, and what 1,000 or one of the goal cost.
CHARGED = {"cpm": "impressions", "cpcv": "completed_views", "cpc": "clicks"}


def _serving(now: datetime) -> QuerySet[Flight]:
    return Flight.objects.filter(state=Flight.State.LIVE, ends_at__gt=now, campaign__state=Campaign.State.ACTIVE).exclude(tier=Flight.Tier.HOUSE)


def outlooks(now: datetime) -> list[Outlook]:
    """Live flights with a goal and a forecast. One query."""
    rows = _serving(now).filter(goal_amount__isnull=False, forecast__isnull=False).select_related("campaign", "forecast", "balance")
    return [_outlook(row) for row in rows.order_by("pk")]


def _outlook(flight: Flight) -> Outlook:
    balance, forecast = getattr(flight, "balance", None), flight.forecast
    measure = {"impressions": "impressions", "completed_views": "completed_views", "clicks": "clicks"}.get(flight.goal_type)
    booked = 0 if balance is None else balance.booked_micros if measure is None else getattr(balance, measure)
    assert flight.goal_amount is not None  # noqa: S101 (filtered)
    expected = max(forecast.expected_delivery, float(booked))
    missing = max(0.0, flight.goal_amount - expected)
    # As "delivery at risk" has it: one shortfall must not have two prices.
    at_stake = charged_for(flight, missing)
    return Outlook(
        flight=flight.pk, name=str(flight), campaign=flight.campaign_id, goal_type=flight.goal_type, goal=flight.goal_amount, delivered=booked,
        expected=expected, price=at_stake / missing if at_stake and missing else 0.0, ends=flight.ends_at,
        priority=flight.priority, logged=forecast.requests, eligible=forecast.eligible, win_share=forecast.win_share, warning=forecast.warning,
        computed_at=forecast.computed_at,
    )  # fmt: skip


def spendings(now: datetime) -> list[Spending]:
    """Live flights with a budget that are not meant to be spent as fast as possible. Two queries."""
    since = truncate(now - PACE, "hour")
    flights = list(
        _serving(now).filter(budget_micros__gt=0, starts_at__lte=now).exclude(pacing=Flight.Pacing.ASAP).select_related("campaign", "balance")
    )
    measures = ("revenue_micros", *CHARGED.values())
    rows = DeliveryHour.objects.filter(bucket__gte=since, flight_id__in=[one.pk for one in flights]).values("flight_id").order_by()
    sums = {
        row["flight_id"]: row
        for row in rows.annotate(
            **{f"sum_{name}": Sum(name) for name in measures}, sum_synthetic=Sum("impressions", filter=Q(synthetic=True), default=0)
        )
    }
    return [_spending(one, sums[one.pk], since, now) for one in flights if one.pk in sums]


def _spending(flight: Flight, row: Mapping[str, Any], since: datetime, now: datetime) -> Spending:
    balance = getattr(flight, "balance", None)
    booked = balance.booked_micros if balance else 0
    delivered = getattr(balance, flight.goal_type, booked) if balance else 0
    goal_left: float | None = None
    if flight.goal_amount is not None and delivered:
        goal_left = max(0, flight.goal_amount - delivered) * booked / delivered
    return Spending(
        flight=flight.pk, name=str(flight), campaign=flight.campaign_id, spent=int(row["sum_revenue_micros"]),
        charges=int(row[f"sum_{CHARGED[flight.pricing]}"]), hours=(now - max(since, flight.starts_at)).total_seconds() / 3600,
        left=flight.budget_micros - booked, budget=flight.budget_micros, goal_left=goal_left, ends=flight.ends_at,
        synthetic=row["sum_synthetic"] / row["sum_impressions"] if row["sum_impressions"] else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cube:
    """Impressions and clicks [a, s, d] over ads, strata and days."""

    ads: Mapping[int, int]
    shown: Floats
    clicked: Floats
    synthetic: Floats


def showings(now: datetime) -> list[Showings]:
    """Ads that serve, over the whole days of the last four weeks. Two queries."""
    until = truncate(now, "day")
    cube = _cube(until)
    approved = list(Ad.objects.filter(review=Ad.Review.APPROVED, flight__in=_serving(now)).select_related("flight__campaign").order_by("pk"))
    beside = Counter(ad.flight_id for ad in approved)
    paid = _per_click([ad for ad in approved if ad.flight.pricing == Flight.Pricing.CPC], until)
    return [
        _showings(ad, cube, beside[ad.flight_id] - 1, paid.get(ad.pk, 0.0), until)
        for ad in approved
        if ad.pk in cube.ads and cube.shown[cube.ads[ad.pk]].any()
    ]


def _cube(until: datetime) -> _Cube:
    first = until - DAY * FATIGUE_DAYS
    rows = DeliveryDay.objects.filter(bucket__gte=first, bucket__lt=until).values_list("ad_id", "device", "title_id", "bucket").order_by()
    found = list(rows.annotate(Sum("impressions"), Sum("clicks"), made=Sum("impressions", filter=Q(synthetic=True), default=0)))
    ads = {ad: place for place, ad in enumerate(sorted({row[0] for row in found}))}
    strata = {stratum: place for place, stratum in enumerate(sorted({(row[1], row[2]) for row in found}))}
    shown, clicked = (np.zeros((len(ads), len(strata), FATIGUE_DAYS)) for _ in range(2))
    synthetic = np.zeros(len(ads))
    for ad, device, title, bucket, impressions, clicks, made in found:
        at = ads[ad], strata[device, title], (bucket.astimezone(UTC) - first).days
        shown[at], clicked[at] = impressions, clicks
        synthetic[ads[ad]] += made
    return _Cube(ads, shown, clicked, synthetic)


def _showings(ad: Ad, cube: _Cube, others: int, per_click: float, until: datetime) -> Showings:
    """From the first day it was shown."""
    row = cube.ads[ad.pk]
    mine = cube.shown[row]
    begun = int(np.flatnonzero(mine.sum(axis=0))[0])
    where = mine.sum(axis=1) > 0
    shown, clicked = mine[where, begun:], cube.clicked[row][where, begun:]
    return Showings(
        ad=ad.pk, name=ad.name, flight=ad.flight_id, campaign=ad.flight.campaign_id, shown=shown, clicked=clicked,
        others_shown=cube.shown[:, where, begun:].sum(axis=0) - shown, others_clicked=cube.clicked[:, where, begun:].sum(axis=0) - clicked,
        per_click=per_click, others_left=others, until=until, synthetic=float(cube.synthetic[row] / mine.sum()),
    )  # fmt: skip


def _per_click(ads: Sequence[Ad], until: datetime) -> dict[int, float]:
    rows = DeliveryDay.objects.filter(bucket__gte=until - DAY * FATIGUE_DAYS, bucket__lt=until, ad_id__in=[ad.pk for ad in ads])
    sums = rows.values_list("ad_id").annotate(Sum("revenue_micros"), Sum("clicks")).order_by()
    return {ad: revenue / clicks for ad, revenue, clicks in sums if clicks}
