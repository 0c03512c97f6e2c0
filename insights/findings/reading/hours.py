"""The last full hours and the same hours of the past, for `detectors.anomaly`. Six queries, whatever there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db.models import Max, Min, Q, QuerySet, Sum

from adplatform.eventlog.rollup import truncate
from adplatform.models import RollupState
from ads.models import BreakHour, Campaign, DeliveryHour, Flight
from engagement.models import PlaybackHour
from insights.findings.detectors.anomaly import LEAST_WEEKS, Measure, Series

HOUR = timedelta(hours=1)
WINDOWS = (1, 6)
MOST_WEEKS, MOST_DAYS = 8, 14
# Figures that stand still for longer are told of by what made them stand still.
STALE = timedelta(hours=26)
SITE = 0
ROLLUPS = ("ads.delivery", "ads.breaks", "engagement.playback")
DELIVERED = ("impressions", "clicks", "completed_views", "revenue_micros", "gross_impressions")

IMPRESSIONS = Measure("impressions", "impressions", "count")
REVENUE = Measure("revenue", "revenue", "money")
SESSIONS = Measure("sessions", "sessions", "count")
FILL = Measure("fill_rate", "fill rate", "share")
CTR = Measure("ctr", "click rate", "share")
COMPLETION = Measure("completion", "completion rate", "share")
INVALID = Measure("invalid", "invalid impressions", "share", worse="up")

Sums = Mapping[str, float]
Pair = Callable[[Sums], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Subject:
    key: str
    name: str
    link: str
    rows: str
    begins: datetime
    hours: Mapping[datetime, Sums]


def last_full_hour(now: datetime) -> datetime | None:
    """The end of the last hour that the consumer has counted beyond; None before the first event and where it has long stood still."""
    filled = RollupState.objects.filter(name__in=ROLLUPS).aggregate(to=Max("filled_to"))["to"]
    if filled is None or now - filled > STALE:
        return None
    return truncate(min(now, filled), "hour")


def series(now: datetime, currency: str) -> list[Series]:
    until = last_full_hour(now)
    first = DeliveryHour.objects.order_by("bucket").values_list("bucket", flat=True).first()
    if until is None or first is None:
        return []
    buckets = _buckets(until)
    site, campaigns = _delivery(buckets)
    for bucket, sums in _sums(BreakHour.objects.all(), buckets, "slots_offered", "slots_filled"):
        site[bucket].update(sums)
    for bucket, sums in _sums(PlaybackHour.objects.filter(scene_id=0), buckets, "sessions"):
        site[bucket].update(sums)
    whole = _Subject("all", "All campaigns", "/live/", "", first.astimezone(UTC), site)
    found = _of_site(whole, until, currency)
    for one, pricing in _campaigns(campaigns, first.astimezone(UTC), now):
        found += _of_campaign(one, until, currency, pricing)
    return found


def _back(until: datetime, hours: int, like: Literal["weeks", "days"]) -> list[datetime]:
    step, most = (timedelta(weeks=1), MOST_WEEKS) if like == "weeks" else (timedelta(days=1), MOST_DAYS)
    return [until - step * back for back in range(1, most + 1)]


def _buckets(until: datetime) -> list[datetime]:
    longest = max(WINDOWS)
    ends = {until, *_back(until, longest, "weeks"), *_back(until, longest, "days")}
    return sorted({end - HOUR * back for end in ends for back in range(1, longest + 1)})


def _sums(rows: QuerySet[Any], buckets: Iterable[datetime], *measures: str) -> list[tuple[datetime, dict[str, int]]]:
    found = rows.filter(bucket__in=list(buckets)).values("bucket").annotate(**{f"sum_{name}": Sum(name) for name in measures}).order_by()
    return [(row["bucket"].astimezone(UTC), {name: int(row[f"sum_{name}"]) for name in measures}) for row in found]


def _delivery(buckets: Iterable[datetime]) -> tuple[dict[datetime, dict[str, float]], dict[int, dict[datetime, Sums]]]:
    """Sums by hour of the whole, and by campaign and hour."""
    rows = DeliveryHour.objects.filter(bucket__in=list(buckets)).values("bucket", "campaign_id").order_by()
    synthetic = Sum("impressions", filter=Q(synthetic=True), default=0)
    site: dict[datetime, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    campaigns: dict[int, dict[datetime, Sums]] = defaultdict(dict)
    found: Iterable[Mapping[str, Any]] = rows.annotate(**{f"sum_{name}": Sum(name) for name in DELIVERED}, sum_synthetic=synthetic)
    for row in found:
        sums = {name: float(row[f"sum_{name}"]) for name in (*DELIVERED, "synthetic")}
        bucket = row["bucket"].astimezone(UTC)
        campaigns[row["campaign_id"]][bucket] = sums
        for name, value in sums.items():
            site[bucket][name] += value
    return site, campaigns


def _campaigns(hours: Mapping[int, Mapping[datetime, Sums]], first: datetime, now: datetime) -> list[tuple[_Subject, frozenset[str]]]:
    """Those that run, since their first flight began, with what their flights are paid by."""
    live = Flight.objects.filter(state=Flight.State.LIVE, starts_at__lte=now, ends_at__gt=now, campaign__state=Campaign.State.ACTIVE)
    began = dict(live.values_list("campaign_id").annotate(Min("starts_at")).order_by())
    pricing: dict[int, set[str]] = defaultdict(set)
    names: dict[int, str] = {}
    for campaign, name, paid_by in live.values_list("campaign_id", "campaign__name", "pricing"):
        pricing[campaign].add(paid_by)
        names[campaign] = name
    return [
        (
            _Subject(f"campaign-{key}", names[key], f"/live/?campaign={key}", f"ads_campaign/{key}", max(first, began[key]), hours.get(key, {})),
            frozenset(pricing[key]),
        )
        for key in sorted(began)
    ]


def _of_site(one: _Subject, until: datetime, currency: str) -> list[Series]:
    every = _total(one.hours.values())
    a_thousand = _of(every["revenue_micros"] * 1000, every["impressions"])
    an_impression, a_slot, a_session = (_of(every["revenue_micros"], every[name]) for name in ("impressions", "slots_filled", "sessions"))
    return [
        *_windows(
            one,
            until,
            IMPRESSIONS,
            _count("impressions"),
            an_impression,
            f"The missing impressions at {a_thousand / 1e6:,.2f} {currency} a thousand.",
        ),
        *_windows(one, until, REVENUE, _count("revenue_micros"), 1.0, "What is missing of the revenue of such hours.", unit=max(1.0, an_impression)),
        *_windows(one, until, SESSIONS, _count("sessions"), a_session, f"The missing sessions at {a_session / 1e6:,.4f} {currency} of ads each."),
        *_windows(
            one, until, FILL, _pair("slots_filled", "slots_offered"), a_slot, f"The empty slots at {a_slot / 1e6:,.4f} {currency} a filled one."
        ),
        *_windows(one, until, CTR, _pair("clicks", "impressions"), 0.0, ""),
        *_windows(one, until, COMPLETION, _pair("completed_views", "impressions"), 0.0, ""),
        *_windows(one, until, INVALID, _invalid, an_impression, f"Not charged: impressions at {a_thousand / 1e6:,.2f} {currency} a thousand."),
    ]


def _of_campaign(one: _Subject, until: datetime, currency: str, pricing: frozenset[str]) -> list[Series]:
    """Shares alone: how much a campaign delivers, its flights' budgets and pacing decide."""
    every = _total(one.hours.values())
    a_click, a_view = _of(every["revenue_micros"], every["clicks"]), _of(every["revenue_micros"], every["completed_views"])
    click_worth = a_click if pricing == {"cpc"} else 0.0
    view_worth = a_view if pricing == {"cpcv"} else 0.0
    an_impression = _of(every["revenue_micros"], every["impressions"])
    return [
        *_windows(one, until, CTR, _pair("clicks", "impressions"), click_worth, f"The missing clicks at {a_click / 1e6:,.4f} {currency} each."),
        *_windows(
            one, until, COMPLETION, _pair("completed_views", "impressions"), view_worth,
            f"The missing completed views at {a_view / 1e6:,.4f} {currency} each.",
        ),
        *_windows(
            one, until, INVALID, _invalid, an_impression, f"Not charged: impressions at {an_impression * 1000 / 1e6:,.2f} {currency} a thousand."
        ),
    ]  # fmt: skip


def _windows(one: _Subject, until: datetime, measure: Measure, pair: Pair, worth: float, how: str, *, unit: float = 1.0) -> list[Series]:
    return [
        Series(
            measure=measure,
            subject=one.name,
            key=f"{measure.name}-{one.key}",
            seen=pair(_window(one, until, hours)),
            past=[pair(_window(one, end, hours)) for end in ends],
            like=like,
            hours=hours,
            until=until,
            link=one.link,
            rows=one.rows,
            unit=unit,
            worth=worth,
            how=how,
            synthetic=_synthetic(_window(one, until, hours)),
        )
        for hours in WINDOWS
        for like, ends in (_like(one.begins, until, hours),)
    ]


def _like(begins: datetime, until: datetime, hours: int) -> tuple[Literal["weeks", "days"], list[datetime]]:
    """The same weekdays where there are enough of them since the beginning, else the last days."""
    weeks = [end for end in _back(until, hours, "weeks") if end - HOUR * hours >= begins]
    if len(weeks) >= LEAST_WEEKS:
        return "weeks", weeks
    return "days", [end for end in _back(until, hours, "days") if end - HOUR * hours >= begins]


def _window(one: _Subject, end: datetime, hours: int) -> Sums:
    return _total(one.hours[bucket] for back in range(1, hours + 1) if (bucket := end - HOUR * back) in one.hours)


def _total(rows: Iterable[Sums]) -> Sums:
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        for name, value in row.items():
            total[name] += value
    return total


def _count(name: str) -> Pair:
    return lambda sums: (sums[name], 1.0)


def _pair(part: str, whole: str) -> Pair:
    return lambda sums: (sums[part], sums[whole])


def _invalid(sums: Sums) -> tuple[float, float]:
    return sums["gross_impressions"] - sums["impressions"], sums["gross_impressions"]


def _of(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _synthetic(sums: Sums) -> float | None:
    return sums["synthetic"] / sums["impressions"] if sums["impressions"] else None
