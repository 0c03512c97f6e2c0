"""How flights and campaigns stand, as expressions of one query: what a list shows of ten thousand flights it can sort and filter by.

``now`` is UTC. Shares are fractions 0-1; ``pace`` is what was delivered over what should have been by now, 1 is on plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    IntegerChoices,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest, Least, NullIf

from .models import Ad, Campaign, DeliveryDay, Flight

# Delivered less than this share of what is due by now is behind, more than that is ahead: Kevel promises a goal within 5 %, so what is
# twice as far off wants a look.
BEHIND, AHEAD = 0.9, 1.1
SPARK_DAYS = 14


class Standing(IntegerChoices):
    """What a flight or a campaign is doing now, the most urgent first."""

    AT_RISK = 1, "At risk"
    SILENT = 2, "No approved ad"
    SPENT = 3, "Spent"
    LIVE = 4, "Live"
    DELIVERED = 5, "Goal reached"
    SCHEDULED = 6, "Scheduled"
    PAUSED = 7, "Paused"
    DRAFT = 8, "Draft"
    ENDED = 9, "Ended"


def _seconds(later: Any, earlier: Any) -> Func:
    return Func(
        ExpressionWrapper(later - earlier, output_field=DurationField()),
        template="EXTRACT(EPOCH FROM %(expressions)s)::double precision",
        output_field=FloatField(),
    )


def due_share(now: datetime, prefix: str = "") -> Any:
    """The share of its goal that is due by now: of its time for even pacing, 1 - (1 - x)^2 for front-loaded, as pacing plans it
    (`ads.decision.pacing.pace`) where requests come evenly."""
    moment = Value(now, output_field=DateTimeField())
    starts, ends = F(f"{prefix}starts_at"), F(f"{prefix}ends_at")
    passed = Least(1.0, Greatest(0.0, _seconds(moment, starts) / _seconds(ends, starts)))
    front = 1.0 - (1.0 - passed) * (1.0 - passed)
    return Case(When(**{f"{prefix}pacing": Flight.Pacing.FRONT_LOADED}, then=front), default=passed, output_field=FloatField())


def _done() -> Any:
    """Goal events so far; of a flight without a goal the money, against its budget."""
    column = {
        Flight.Goal.IMPRESSIONS: "impressions", Flight.Goal.COMPLETED_VIEWS: "completed_views",
        Flight.Goal.CLICKS: "clicks", Flight.Goal.SPEND: "booked_micros",
    }  # fmt: skip
    cases = [When(goal_amount__isnull=True, then=F("balance__booked_micros"))]
    cases += [When(goal_type=goal, then=F(f"balance__{name}")) for goal, name in column.items()]
    return Coalesce(Case(*cases, output_field=BigIntegerField()), 0, output_field=BigIntegerField())


def _event_cost() -> Any:
    """As `ads.decision.cost.event_cost` has it."""
    return Case(
        When(tier=Flight.Tier.HOUSE, then=Value(0)),
        When(pricing=Flight.Pricing.CPM, then=Greatest(F("bid_micros") / 1000, 1)),
        default=Greatest(F("bid_micros"), 1),
        output_field=BigIntegerField(),
    )


def running(now: datetime, prefix: str = "") -> Q:
    """Live, its campaign active, and not over."""
    return Q(**{f"{prefix}state": Flight.State.LIVE, f"{prefix}campaign__state": Campaign.State.ACTIVE, f"{prefix}ends_at__gt": now})


def _has_ad(*reviews: str, **also: str) -> Exists:
    return Exists(Ad.objects.filter(flight=OuterRef("pk"), review__in=reviews, **also))


# What inventories ask of an ad (`ads.selectors.inventory_rows`).
SERVABLE = _has_ad(Ad.Review.APPROVED, asset__state="ready")


def _standing(now: datetime) -> Any:
    spent = ~Q(tier=Flight.Tier.HOUSE) & Q(budget_micros__lt=Coalesce(F("balance__booked_micros"), 0) + _event_cost())
    return Case(
        When(state=Flight.State.DRAFT, then=Value(Standing.DRAFT)),
        When(Q(state=Flight.State.ENDED) | Q(campaign__state=Campaign.State.ENDED) | Q(ends_at__lte=now), then=Value(Standing.ENDED)),
        When(Q(state=Flight.State.PAUSED) | Q(campaign__state=Campaign.State.PAUSED), then=Value(Standing.PAUSED)),
        When(Q(goal_amount__isnull=False, done__gte=F("goal_amount")), then=Value(Standing.DELIVERED)),
        When(spent, then=Value(Standing.SPENT)),
        When(~SERVABLE, then=Value(Standing.SILENT)),
        When(forecast__warning__gt="", then=Value(Standing.AT_RISK)),
        When(starts_at__gt=now, then=Value(Standing.SCHEDULED)),
        default=Value(Standing.LIVE),
        output_field=IntegerField(),
    )


def flights_standing(rows: QuerySet[Flight], now: datetime) -> QuerySet[Any]:
    """``rows`` with standing, done and whole (goal, else budget in micros; None without either), due (share), pace (None where nothing
    is due), ctr and vcr (None without impressions)."""
    shown = NullIf(Cast(F("balance__impressions"), FloatField()), 0.0)
    whole = NullIf(Cast(F("whole"), FloatField()), 0.0)
    told: QuerySet[Any] = (
        rows.annotate(done=_done(), due=due_share(now), whole=Coalesce(F("goal_amount"), NullIf(F("budget_micros"), 0)))
        .annotate(
            standing=_standing(now),
            # Money without a goal is a limit, not a promise: nothing is due of it.
            pace=Case(When(goal_amount__isnull=False, then=F("done") / NullIf(F("due"), 0.0) / whole), output_field=FloatField()),
            ctr=F("balance__clicks") / shown,
            vcr=F("balance__completed_views") / shown,
        )
    )  # fmt: skip
    return told


def with_ads(rows: QuerySet[Any]) -> QuerySet[Any]:
    """``rows`` with has_approved and has_waiting: what their next step may be."""
    told: QuerySet[Any] = rows.annotate(has_approved=SERVABLE, has_waiting=_has_ad(Ad.Review.UPLOADED, Ad.Review.PROCESSING, Ad.Review.IN_REVIEW))
    return told


def campaigns_standing(rows: QuerySet[Campaign], now: datetime) -> QuerySet[Any]:
    """``rows`` with the sums of their flights: starts, ends, budget, booked, due (micros), shown, viewed, clicked, flight_total, live_total,
    risk_total; standing, pace, ctr and vcr as of flights."""
    balance = "flights__balance__"
    going = running(now, "flights__")
    shown = NullIf(Cast(F("shown"), FloatField()), 0.0)
    summed: QuerySet[Any] = (
        rows.annotate(
            flight_total=Count("flights"),
            live_total=Count("flights", filter=going & Q(flights__starts_at__lte=now)),
            coming_total=Count("flights", filter=going & Q(flights__starts_at__gt=now)),
            draft_total=Count("flights", filter=Q(flights__state=Flight.State.DRAFT)),
            risk_total=Count("flights", filter=going & Q(flights__forecast__warning__gt="")),
            starts=Min("flights__starts_at"),
            ends=Max("flights__ends_at"),
            budget=Coalesce(Sum("flights__budget_micros"), 0, output_field=BigIntegerField()),
            booked=Coalesce(Sum(f"{balance}booked_micros"), 0, output_field=BigIntegerField()),
            due=Coalesce(Sum(F("flights__budget_micros") * due_share(now, "flights__"), output_field=FloatField()), 0.0),
            shown=Coalesce(Sum(f"{balance}impressions"), 0, output_field=BigIntegerField()),
            viewed=Coalesce(Sum(f"{balance}completed_views"), 0, output_field=BigIntegerField()),
            clicked=Coalesce(Sum(f"{balance}clicks"), 0, output_field=BigIntegerField()),
        )
        .annotate(
            standing=Case(
                When(state=Campaign.State.ENDED, then=Value(Standing.ENDED)),
                When(state=Campaign.State.PAUSED, then=Value(Standing.PAUSED)),
                When(risk_total__gt=0, then=Value(Standing.AT_RISK)),
                When(live_total__gt=0, then=Value(Standing.LIVE)),
                When(coming_total__gt=0, then=Value(Standing.SCHEDULED)),
                When(Q(draft_total__gt=0) | Q(flight_total=0), then=Value(Standing.DRAFT)),
                default=Value(Standing.ENDED),
                output_field=IntegerField(),
            ),
            pace=F("booked") / NullIf(F("due"), 0.0),
            ctr=F("clicked") / shown,
            vcr=F("viewed") / shown,
        )
    )  # fmt: skip
    return summed


@dataclass(frozen=True, slots=True)
class Days:
    """Impressions of each UTC day, the last is today so far; ``synthetic`` when some come from the synthetic audience."""

    first: date
    impressions: tuple[int, ...]
    synthetic: bool = False


def last_days(key: str, ids: Iterable[int], today: date, days: int = SPARK_DAYS) -> dict[int, Days]:
    """Per id of ``key`` (flight_id or campaign_id) the last days of impressions, in one query for a whole page."""
    first = today - timedelta(days=days - 1)
    rows = DeliveryDay.objects.filter(**{f"{key}__in": list(ids)}, bucket__gte=midnight(first), bucket__lt=midnight(today + timedelta(days=1)))
    found: dict[int, list[int]] = {}
    synthetic: set[int] = set()
    for owner, bucket, marked, shown in rows.values_list(key, "bucket", "synthetic").annotate(shown=Sum("impressions")):
        found.setdefault(owner, [0] * days)[(bucket.date() - first).days] += shown
        if marked:
            synthetic.add(owner)
    return {owner: Days(first, tuple(counts), owner in synthetic) for owner, counts in found.items()}


def midnight(day: date) -> datetime:
    """When a UTC day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
