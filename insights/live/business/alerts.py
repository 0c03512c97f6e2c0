"""What asks for action on what is sold: budgets about to run out, click rates out of their band, flights behind their plan. Worked out by a
worker each minute, kept in Redis, where the publisher finds it each second."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Sum

from adplatform.eventlog import stream
from adplatform.eventlog.rollup import truncate
from ads import live_plan, selectors
from ads.decision.inventory import compile_inventory
from ads.decision.plan import Expected, compile_plan
from ads.forecast.words import GOALS
from ads.models import Campaign, DeliveryDay, DeliveryHour, Flight, FlightForecast
from insights.live.store import client

from .evidence import evidence

KEY, SINCE_KEY = "live:feed:alerts", "live:feed:since"
# A worker that stands still for so long leaves no alert rather than an old one.
KEPT = timedelta(minutes=10)
NEARLY_SPENT = 0.9
SOON = timedelta(hours=24)
HISTORY = timedelta(days=28)
# Flights are looked at all day long, so only what chance does once in a thousand times is told (two-sided).
UNLIKELY = 3.29
LEAST_TODAY, LEAST_BEFORE, LEAST_CLICKS = 200, 1000, 5
BEHIND = 0.1


@dataclass(frozen=True)
class Alert:
    """``at`` is when it was first seen; ``campaign`` and ``advertiser`` say whose it is."""

    key: str
    kind: str
    text: str
    detail: str
    link: str | None
    campaign: int
    advertiser: int
    at: str = ""


@dataclass(frozen=True)
class Rates:
    """Of one flight: micros booked a second since the last hour began, today's impressions and clicks, and those of HISTORY before."""

    micros: float = 0.0
    shown: int = 0
    clicked: int = 0
    shown_before: int = 0
    clicked_before: int = 0


def work_out(*, now: datetime) -> list[Alert]:
    """A constant number of queries. Raises redis.RedisError."""
    live = list(
        Flight.objects.filter(state=Flight.State.LIVE, starts_at__lte=now, ends_at__gt=now, campaign__state=Campaign.State.ACTIVE).select_related(
            "campaign", "balance", "forecast"
        )
    )
    rates, planned = _rates(now), _planned(now)
    found = [
        alert
        for flight in live
        for alert in (
            budget(flight, rates.get(flight.pk, Rates()), now),
            click_rate(flight, rates.get(flight.pk, Rates())),
            behind(flight, planned.get(flight.pk)),
        )
        if alert
    ]
    return _keep(found, now)


def _keep(found: Iterable[Alert], now: datetime) -> list[Alert]:
    known: dict[bytes, bytes] = client().hgetall(SINCE_KEY)  # type: ignore[assignment]
    told = [replace(alert, at=known.get(alert.key.encode(), now.isoformat().encode()).decode()) for alert in found]
    pipeline = client().pipeline(transaction=True)
    pipeline.delete(SINCE_KEY)
    for alert in told:
        pipeline.hset(SINCE_KEY, alert.key, alert.at)
    pipeline.expire(SINCE_KEY, SOON)
    pipeline.set(KEY, json.dumps([asdict(alert) for alert in told]), ex=KEPT)
    pipeline.execute()
    return told


def last() -> list[Alert]:
    """As they were worked out last. Raises redis.RedisError."""
    body: Any = client().get(KEY)
    return [] if body is None else [Alert(**one) for one in json.loads(body)]


def _rates(now: datetime) -> dict[int, Rates]:
    """Two queries."""
    hour, day = truncate(now, "hour") - timedelta(hours=1), truncate(now, "day")
    spent = dict(DeliveryHour.objects.filter(bucket__gte=hour).values_list("flight_id").annotate(Sum("revenue_micros")))
    seconds = (now - hour).total_seconds()
    rows = (
        DeliveryDay.objects.filter(bucket__gte=day - HISTORY).values("flight_id", "bucket").annotate(shown=Sum("impressions"), clicked=Sum("clicks"))
    )
    found: dict[int, Rates] = {flight: Rates(micros=micros / seconds) for flight, micros in spent.items()}
    for row in rows:
        old = found.get(row["flight_id"], Rates())
        shown, clicked = int(row["shown"]), int(row["clicked"])
        found[row["flight_id"]] = (
            replace(old, shown=shown, clicked=clicked)
            if row["bucket"].astimezone(UTC) >= day
            else replace(old, shown_before=old.shown_before + shown, clicked_before=old.clicked_before + clicked)
        )
    return found


def _planned(now: datetime) -> dict[int, float]:
    """The share of its goal that each paced flight was to have delivered by now, by the plan that decisions are paced by."""
    inventory = compile_inventory(selectors.inventory_rows())
    columns = live_plan.COLUMNS
    rows = FlightForecast.objects.filter(flight_id__in=inventory.flight_id.tolist()).values_list("flight_id", *columns)
    expected = {flight: Expected(**dict(zip(columns, values, strict=True))) for flight, *values in rows}
    plan = compile_plan(inventory, expected, live_plan.traffic(stream.client()))
    share = plan.at(int(now.timestamp())).planned
    return {int(inventory.flight_id[row]): float(share[row]) for row in np.flatnonzero(plan.paced)}


def budget(flight: Flight, rates: Rates, now: datetime) -> Alert | None:
    """Nearly spent, or gone before its end within a day at the present rate. What was spent on an earlier day is no news."""
    booked, day = _balance(flight)
    if not flight.budget_micros or not booked:
        return None
    left = flight.budget_micros - booked
    share = booked / flight.budget_micros
    if left <= 0:
        if day != now.astimezone(UTC).date():
            return None
        return _alert(
            flight, "budget", f"{flight}: its budget is spent, {_ahead(flight.ends_at - now)} before its end", "Raise it, or end the flight."
        )
    gone = now + timedelta(seconds=left / rates.micros) if rates.micros > left / (365 * 86_400) else None
    soon = gone is not None and gone < min(flight.ends_at, now + SOON)
    if share <= NEARLY_SPENT and not soon:
        return None
    if gone is None:
        told = "nothing was charged in the last hour"
    elif gone >= flight.ends_at:
        told = "at the present rate it lasts to the flight's end"
    else:
        told = f"at the present rate it runs out on {gone:%d %b at %H:%M} UTC, {_ahead(flight.ends_at - gone)} before the flight's end"
    return _alert(flight, "budget", f"{flight}: {math.floor(share * 100)} % of its budget is spent", _sentence(told))


def click_rate(flight: Flight, rates: Rates) -> Alert | None:
    """Today's against its own of the 28 days before: the z test of two shares (Fleiss, Levin & Paik 2003, section 3.1)."""
    shown, before = rates.shown, rates.shown_before
    if shown < LEAST_TODAY or before < LEAST_BEFORE:
        return None
    pooled = (rates.clicked + rates.clicked_before) / (shown + before)
    if pooled * shown < LEAST_CLICKS or pooled >= 1:
        return None
    today, usual = rates.clicked / shown, rates.clicked_before / before
    error = math.sqrt(pooled * (1 - pooled) * (1 / shown + 1 / before))
    if abs(today - usual) <= UNLIKELY * error:
        return None
    low, high = max(0.0, usual - UNLIKELY * error), usual + UNLIKELY * error
    where = "below" if today < usual else "above"
    return _alert(
        flight,
        "ctr",
        f"{flight}: today's click rate of {today:.2%} is {where} what is to be expected",
        f"{rates.clicked:,} clicks of {shown:,} impressions; by its last 28 days ({usual:.2%} of {before:,}) {low:.2%} to {high:.2%} is chance.",
    )


def behind(flight: Flight, planned: float | None) -> Alert | None:
    """Behind the plan it is paced by, by more than BEHIND of it and more than chance."""
    goal = flight.goal_amount
    if planned is None or not goal or flight.goal_type == Flight.Goal.SPEND:
        return None
    due, there = planned * goal, _delivered(flight)
    if due - there <= max(BEHIND * due, 3 * math.sqrt(due), 1):
        return None
    forecast = getattr(flight, "forecast", None)
    why = "" if forecast is None or not forecast.warning else f"Its forecast expects {forecast.expected_delivery:,.0f} of {goal:,} at its end."
    return _alert(flight, "behind", f"{flight} is behind its plan: {there:,} of {due:,.0f} {GOALS[flight.goal_type]} that were due by now", why)


def _balance(flight: Flight) -> tuple[int, date | None]:
    known = getattr(flight, "balance", None)
    return (0, None) if known is None else (known.booked_micros, known.day)


def _delivered(flight: Flight) -> int:
    known = getattr(flight, "balance", None)
    return 0 if known is None else int(getattr(known, flight.goal_type))


def _alert(flight: Flight, kind: str, text: str, detail: str) -> Alert:
    link = evidence("ads_flight", flight.pk)
    return Alert(f"{kind}-{flight.pk}", kind, text, detail, link, flight.campaign_id, flight.campaign.advertiser_id)


def _ahead(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:,.0f} days" if hours >= 48 else f"{max(1, round(hours))} {'hour' if round(hours) <= 1 else 'hours'}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def of_seller(alerts: Iterable[Alert], given: Mapping[str, int | None]) -> list[Alert]:
    return [alert for alert in alerts if all(wanted is None or getattr(alert, name) == wanted for name, wanted in given.items())]
