"""Whether a flight can serve at all: everything that must hold before any break considers it, as a list to tick off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist

from ads.decision.cost import event_cost
from ads.models import Ad, Campaign, Flight, FlightBalance
from ads.selling import checks
from ads.terms import MICROS

GOAL_COLUMN = {"impressions": "impressions", "completed_views": "completed_views", "clicks": "clicks", "spend": "booked_micros"}


@dataclass(frozen=True, slots=True)
class Check:
    """``ok`` is None where it holds and asks for attention all the same. ``words`` says how it stands, ``fix`` what to do, empty where
    there is nothing to do; ``act`` names what does it: a service (launch, resume, campaign_resume), or a page (flight, campaign, ads,
    add_ad, new_flight, ledger)."""

    name: str
    ok: bool | None
    words: str
    fix: str = ""
    act: str = ""


def standing(flight: Flight, *, now: datetime, breaks: int | None = None) -> list[Check]:
    """In the order in which a planner would look. ``breaks`` is how many were asked for in the time looked at, None when unknown."""
    return [
        _campaign(flight.campaign),
        _state(flight),
        _dates(flight, now),
        *_ads(list(flight.ads.select_related("asset"))),
        _currency(flight.campaign),
        _terms(flight),
        *_left(flight, now),
        *_forecast(flight),
        *_asked(breaks),
    ]


def blocking(found: list[Check]) -> list[Check]:
    """What keeps it from serving now."""
    return [check for check in found if check.ok is False]


def _campaign(campaign: Campaign) -> Check:
    if campaign.state == Campaign.State.ACTIVE:
        return Check("Campaign active", True, f"{campaign.name} is active.")
    if campaign.state == Campaign.State.PAUSED:
        return Check("Campaign active", False, f"{campaign.name} is paused: none of its flights serves.", "Resume the campaign", "campaign_resume")
    return Check("Campaign active", False, f"{campaign.name} has ended for good.", "Sell the flight again in another campaign", "new_flight")


def _state(flight: Flight) -> Check:
    match flight.state:
        case Flight.State.LIVE:
            return Check("Flight live", True, "It is live.")
        case Flight.State.DRAFT:
            return Check("Flight live", False, "It is a draft: nobody has launched it.", "Launch it", "launch")
        case Flight.State.PAUSED:
            return Check("Flight live", False, "It is paused.", "Resume it", "resume")
    return Check("Flight live", False, "It has ended for good.", "Sell another flight in its place", "new_flight")


def _dates(flight: Flight, now: datetime) -> Check:
    if now < flight.starts_at:
        return Check("Within its dates", False, f"It starts on {_day(flight.starts_at)} UTC.", "Start it earlier", "flight")
    if now >= flight.ends_at:
        return Check("Within its dates", False, f"It was over on {_day(flight.ends_at)} UTC.", "Give it a later end", "flight")
    return Check("Within its dates", True, f"It runs until {_day(flight.ends_at)} UTC.")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def _ads(ads: list[Ad]) -> Iterator[Check]:
    if not ads:
        yield Check("An approved ad", False, "It has no ad.", "Add one and upload its clip", "add_ad")
        return
    approved = [ad for ad in ads if ad.review == Ad.Review.APPROVED]
    if not approved:
        waiting = [ad for ad in ads if ad.review != Ad.Review.REJECTED]
        words = f"{_names(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for review." if waiting else f"{_names(ads)}: rejected."
        fix = "Have it approved by the ad-ops lead" if waiting else "Add an ad that can be approved"
        yield Check("An approved ad", False, words, fix, "ads" if waiting else "add_ad")
        return
    yield Check("An approved ad", True, f"{_names(approved)}: approved.")
    ready = [ad for ad in approved if ad.asset.state == "ready"]
    if ready:
        late = [ad for ad in approved if ad.asset.state != "ready"]
        yield Check("Its clip ready", None if late else True, f"{_names(ready)}: ready." + (f" {_names(late)}: not yet." if late else ""))
        return
    states = ", ".join(sorted({ad.asset.get_state_display().lower() for ad in approved}))
    yield Check("Its clip ready", False, f"{_names(approved)}: {states}.", "Look at the clip, and upload it again if it is broken", "ads")


def _names(ads: list[Ad]) -> str:
    told = ", ".join(ad.name for ad in ads[:3])
    return told + (f" and {len(ads) - 3} more" if len(ads) > 3 else "")


def _currency(campaign: Campaign) -> Check:
    if campaign.currency == settings.CURRENCY:
        return Check("Sold in this currency", True, f"{campaign.currency}, as everything here.")
    words = f"Its campaign is sold in {campaign.currency}; this installation serves {settings.CURRENCY} alone."
    return Check("Sold in this currency", False, words, f"Sell the campaign in {settings.CURRENCY}", "campaign")


def _terms(flight: Flight) -> Check:
    if words := checks.unreadable(flight):
        return Check("Terms readable", False, f"They cannot be read: {words}.", "Set them anew", "flight")
    return Check("Terms readable", True, "Targeting, caps and price can be read.")


def _left(flight: Flight, now: datetime) -> Iterator[Check]:
    try:
        balance = flight.balance
    except ObjectDoesNotExist:
        balance = FlightBalance(flight=flight)
    today = balance.day == now.date()
    cost = event_cost(flight.tier, flight.pricing, flight.bid_micros)
    if flight.tier != Flight.Tier.HOUSE:
        yield _money("Budget left", flight.budget_micros, balance.booked_micros, cost, "Raise the budget")
        if flight.daily_budget_micros is not None:
            booked = balance.day_booked_micros if today else 0
            yield _money("Daily budget left", flight.daily_budget_micros, booked, cost, "Raise the daily budget, or wait for midnight UTC")
    column = GOAL_COLUMN[flight.goal_type]
    if flight.goal_amount is not None:
        yield _goal("Goal not reached", flight, flight.goal_amount, getattr(balance, column), "Raise the goal")
    if flight.daily_goal_amount is not None:
        done = balance.day_delivered if today else 0
        yield _goal("Daily goal not reached", flight, flight.daily_goal_amount, done, "Raise the daily goal, or wait for midnight UTC")


def _money(name: str, limit: int, booked: int, cost: int, fix: str) -> Check:
    words = f"{_amount(booked)} of {_amount(limit)} {settings.CURRENCY} booked."
    if booked + cost > limit:
        return Check(name, False, words, fix, "flight")
    return Check(name, True, words)


def _goal(name: str, flight: Flight, goal: int, done: int, fix: str) -> Check:
    money = flight.goal_type == Flight.Goal.SPEND
    unit = settings.CURRENCY if money else flight.get_goal_type_display().lower()
    words = f"{_amount(done) if money else f'{done:,}'} of {_amount(goal) if money else f'{goal:,}'} {unit}."
    return Check(name, False, words, fix, "flight") if done >= goal else Check(name, True, words)


def _amount(micros: int) -> str:
    return f"{micros / MICROS:,.2f}"


def _forecast(flight: Flight) -> Iterator[Check]:
    try:
        forecast = flight.forecast
    except ObjectDoesNotExist:
        return
    if flight.state == Flight.State.LIVE:
        fine = "The last forecast sees nothing in the way of its goal." if flight.goal_amount else "It has no goal that could be missed."
        yield Check(
            "Forecast", None if forecast.warning else True, forecast.warning or fine, "See the forecast" if forecast.warning else "", "forecast"
        )


def _asked(breaks: int | None) -> Iterator[Check]:
    if breaks is not None:
        words = f"{breaks:,} {'break was' if breaks == 1 else 'breaks were'} asked for in the time below." if breaks else "No break was asked for."
        fix = "" if breaks else "Look at a longer time, or see whether anybody is watching"
        yield Check("Breaks to fill", True if breaks else None, words, fix)
