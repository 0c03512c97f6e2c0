"""Steering what is sold beyond a single switch: duplicate, extend, and what each action would do to each row before it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet

from . import services
from .models import Ad, AdIcon, AdVerification, Campaign, Companion, Flight
from .money import WrongAmount, read_amount
from .selling.rules import money
from .services import Actor, WrongState

LONGEST_NAME = 120
COPY = re.compile(r"^(?P<base>.*?) \(copy(?: (?P<number>\d+))?\)$")
MOST_DAYS = 3_650
# Of a row that is copied: everything but what makes it itself, and what it has done.
_OWN = frozenset({"id", "created_at"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an action would do to ``row``, in words; ``refused`` says why it cannot be done, empty when it can."""

    row: Any
    words: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class More:
    """How much longer and how much more: days, and of goal and budget a share (0-1 and up) or an amount in their own unit."""

    days: int = 0
    goal_share: float = 0.0
    goal_amount: int = 0
    budget_share: float = 0.0
    budget_micros: int = 0

    def __bool__(self) -> bool:
        return self != More()


def read_more(days: str, goal: str, budget: str, *, spend: bool) -> More:
    """From what a form sends: “14”, “5000” or “10%”. ``spend``: goals are money. Raises ValueError in words."""
    if days.strip() and not (days.strip().isdecimal() and int(days) <= MOST_DAYS):
        raise ValueError(f"“{days.strip()}” is no number of days; write a whole number up to {MOST_DAYS:,}, such as 14.")
    goal_share, goal_amount = _more("goal", goal, money=spend)
    budget_share, budget_micros = _more("budget", budget, money=True)
    more = More(int(days or 0), goal_share, goal_amount, budget_share, budget_micros)
    if not more:
        raise ValueError("Say by how much: days, goal or budget. Extending only adds; to lower something, edit the flight.")
    return more


def _more(what: str, text: str, *, money: bool) -> tuple[float, int]:
    text = text.strip().removeprefix("+").strip()
    if not text:
        return 0.0, 0
    try:
        if text.endswith("%"):
            share = float(Decimal(text[:-1].strip())) / 100
            if not 0 < share <= 100:
                raise ValueError
            return share, 0
        amount = read_amount(text, currency=settings.CURRENCY) if money else int(text.replace(",", ""))
    except WrongAmount as error:
        raise ValueError(str(error)) from error
    except (InvalidOperation, ValueError):
        raise ValueError(f"“{text}” is no {what} to add; write an amount such as 5000, or a share such as 10%.") from None
    if amount <= 0:
        raise ValueError(f"Extending only adds: the {what} to add is more than nothing.")
    return 0.0, amount


# Duplicate


def next_name(name: str, taken: QuerySet[Any]) -> str:
    """“Spring (copy)”, then “Spring (copy 2)”: the first that nobody in ``taken`` has."""
    match = COPY.match(name)
    base = match["base"] if match else name
    names = set(taken.filter(name__startswith=base[: LONGEST_NAME - 12]).values_list("name", flat=True))
    for number in range(1, len(names) + 2):
        ending = " (copy)" if number == 1 else f" (copy {number})"
        name = base[: LONGEST_NAME - len(ending)] + ending
        if name not in names:
            break
    return name


def shift(starts_at: datetime, now: datetime) -> timedelta:
    """How far dates move so that a copy begins tomorrow at midnight UTC; nothing for what begins later anyway."""
    tomorrow = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return max(timedelta(0), tomorrow - starts_at)


@transaction.atomic
def flight_duplicate(*, actor: Actor, flight: Flight, now: datetime, campaign: Campaign | None = None, by: timedelta | None = None) -> Flight:
    """A draft with the same terms and ads, named anew, its dates moved forward by ``by``, or so that it begins tomorrow.

    Its ads keep their review: what was approved is the clip, the landing page, the category and the headline, and these are the same.
    Universal ad ids are unique, so those of the copies are numbered and said to be nobody's registered ones.
    Raises ValidationError when the terms do not hold any more.
    """
    target = campaign or Campaign.objects.select_for_update(no_key=True).get(pk=flight.campaign_id)
    moved = shift(flight.starts_at, now) if by is None else by
    copy = Flight(**_values(flight), campaign=target)
    copy.name = flight.name if campaign else next_name(flight.name, target.flights.all())
    copy.state, copy.starts_at, copy.ends_at = Flight.State.DRAFT, flight.starts_at + moved, flight.ends_at + moved
    services.row_create(actor=actor, row=copy, reason=_from(flight))
    for ad in flight.ads.select_related("asset"):
        _ad_duplicate(actor, ad, copy)
    return copy


def _ad_duplicate(actor: Actor, ad: Ad, flight: Flight) -> Ad:
    copy = Ad(**_values(ad), flight=flight)
    copy.universal_ad_id, copy.ad_id_registry = _next_ad_id(ad.universal_ad_id), "unknown"
    services.row_create(actor=actor, row=copy, reason=_from(ad))
    kinds: tuple[type[Model], ...] = (Companion, AdIcon, AdVerification)
    for kind in kinds:
        for part in kind._default_manager.filter(ad=ad):
            part_copy = kind(**(_values(part) | {"ad": copy}))
            services.audit(part_copy, actor, "Duplicated with its ad")
            part_copy.save()
    return copy


def _next_ad_id(given: str) -> str:
    base = given[:90]
    taken = set(Ad.objects.filter(universal_ad_id__startswith=f"{base}#").values_list("universal_ad_id", flat=True))
    return next(name for number in range(2, len(taken) + 3) if (name := f"{base}#{number}") not in taken)


@transaction.atomic
def campaign_duplicate(*, actor: Actor, campaign: Campaign, now: datetime) -> Campaign:
    """The campaign with all its flights as drafts, named anew; all dates move alike, so that the first begins tomorrow."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    copy = Campaign(**_values(campaign), advertiser_id=campaign.advertiser_id)
    copy.name, copy.state = next_name(campaign.name, Campaign.objects.all()), Campaign.State.ACTIVE
    services.row_create(actor=actor, row=copy, reason=_from(campaign))
    flights = list(campaign.flights.select_related("campaign"))
    by = shift(min((flight.starts_at for flight in flights), default=now), now)
    for flight in flights:
        flight_duplicate(actor=actor, flight=flight, now=now, campaign=copy, by=by)
    return copy


def _values(row: Model) -> dict[str, Any]:
    """The columns of ``row`` that a copy starts from, without those that lead to its parent."""
    parents = {"advertiser", "campaign", "flight", "ad"}
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name not in _OWN | parents}


def _from(row: Model) -> str:
    """For the history, which keeps a hundred characters."""
    return f"Duplicated from {row}"[:100]


# Extend


def extended(flight: Flight, more: More) -> dict[str, Any]:
    """The fields that ``more`` changes, with their new values."""
    changes: dict[str, Any] = {}
    if more.days:
        changes["ends_at"] = flight.ends_at + timedelta(days=more.days)
    goal = round((flight.goal_amount or 0) * more.goal_share) + more.goal_amount
    if goal and flight.goal_amount is not None:
        changes["goal_amount"] = flight.goal_amount + goal
    budget = round(flight.budget_micros * more.budget_share) + more.budget_micros
    if budget and flight.tier != Flight.Tier.HOUSE:
        changes["budget_micros"] = flight.budget_micros + budget
    return changes


@transaction.atomic
def flight_extend(*, actor: Actor, flight: Flight, more: More) -> Flight:
    """Give a flight more days, goal or budget. Raises WrongState when it has ended or nothing of it changes, ValidationError in words."""
    locked = Flight.objects.select_for_update(no_key=True).select_related("campaign").get(pk=flight.pk)
    if locked.state == Flight.State.ENDED:
        raise WrongState(f"{locked.name} has ended; duplicate it to run it again.")
    changes = extended(locked, more)
    if not changes:
        raise WrongState(f"{locked.name} has no goal and no budget to raise; give it more days.")
    return services.row_update(actor=actor, row=locked, changes=changes, reason="Extended")


# What each action would do


def verdict(verb: str, row: Flight | Campaign, *, now: datetime, more: More | None = None) -> Verdict:
    """What ``verb`` would do to ``row`` as it is now; the service checks again when it is done."""
    if isinstance(row, Campaign):
        return _campaign_verdict(verb, row)
    return {"launch": _launch, "extend": _extend, "duplicate": _duplicate}.get(verb, _switch)(verb, row, now, more)


def verdicts(verb: str, rows: Sequence[Flight | Campaign], *, now: datetime, more: More | None = None) -> list[Verdict]:
    return [verdict(verb, row, now=now, more=more) for row in rows]


_FROM = {"pause": ("live",), "resume": ("paused",), "end": ("live", "paused", "draft")}
_CAMPAIGN_FROM = {"pause": ("active",), "resume": ("paused",), "end": ("active", "paused")}
_WORDS = {"pause": "Stops serving within a second; its dates and budget stay.", "resume": "Serves again within a second."}


def _switch(verb: str, flight: Flight, now: datetime, more: More | None) -> Verdict:
    if flight.state not in _FROM[verb]:
        return Verdict(
            flight, refused=f"It is {flight.state}; only {' or '.join(_FROM[verb])} flights can be {verb}{'d' if verb.endswith('e') else 'ed'}."
        )
    return Verdict(flight, _WORDS.get(verb) or ending(flight))


def ending(flight: Flight) -> str:
    """What ending it stops, in figures."""
    balance = getattr(flight, "balance", None)
    if flight.state == Flight.State.DRAFT:
        return "Never ran; it is put away for good."
    shown, booked = (balance.impressions, balance.booked_micros) if balance else (0, 0)
    left = money(max(0, flight.budget_micros - booked), settings.CURRENCY)
    return (
        f"Stops for good: {shown:,} impressions and {money(booked, settings.CURRENCY)} are booked and stay; {left} of its budget will not be spent."
    )


def _launch(verb: str, flight: Any, now: datetime, more: More | None) -> Verdict:
    if flight.state != Flight.State.DRAFT:
        return Verdict(flight, refused=f"It is {flight.state}; only drafts can be launched.")
    if not flight.ads.filter(review=Ad.Review.APPROVED).exists():
        return Verdict(flight, refused="It has no approved ad; add one and have it approved first.")
    if flight.ends_at <= now:
        return Verdict(flight, refused=f"It ended on {flight.ends_at:%d %b %Y}; give it later dates first.")
    starts = "now" if flight.starts_at <= now else f"on {flight.starts_at:%d %b %Y, %H:%M} UTC"
    return _checked(flight, {}, f"Serves from {starts} to {flight.ends_at:%d %b %Y}.")


def _extend(verb: str, flight: Flight, now: datetime, more: More | None) -> Verdict:
    if flight.state == Flight.State.ENDED:
        return Verdict(flight, refused="It has ended; duplicate it to run it again.")
    if more is None:
        return Verdict(flight, f"Ends on {flight.ends_at:%d %b %Y}, budget {money(flight.budget_micros, settings.CURRENCY)}, goal {_goal(flight)}.")
    changes = extended(flight, more)
    if not changes:
        return Verdict(flight, refused="It has no goal and no budget to raise; give it more days.")
    told = {
        "ends_at": lambda value: f"ends {flight.ends_at:%d %b %Y} -> {value:%d %b %Y}",
        "goal_amount": lambda value: f"goal {_goal(flight)} -> {_goal(flight, value)}",
        "budget_micros": lambda value: f"budget {money(flight.budget_micros, settings.CURRENCY)} -> {money(value, settings.CURRENCY)}",
    }
    words = "; ".join(told[name](value) for name, value in changes.items())
    return _checked(flight, changes, words[:1].upper() + words[1:] + ".")


def _goal(flight: Flight, amount: int | None = None) -> str:
    amount = flight.goal_amount if amount is None else amount
    if amount is None:
        return "none"
    return money(amount, settings.CURRENCY) if flight.goal_type == Flight.Goal.SPEND else f"{amount:,} {flight.get_goal_type_display().lower()}"


def _duplicate(verb: str, flight: Flight, now: datetime, more: More | None) -> Verdict:
    moved = shift(flight.starts_at, now)
    name = next_name(flight.name, Flight.objects.filter(campaign=flight.campaign_id))
    ads = flight.ads.count()
    return Verdict(
        flight,
        f"“{name}”, a draft from {flight.starts_at + moved:%d %b} to {flight.ends_at + moved:%d %b %Y} with {ads} {'ad' if ads == 1 else 'ads'}; "
        "approved ads stay approved, for nothing of what was approved changes.",
    )


def _campaign_verdict(verb: str, campaign: Any) -> Verdict:
    if verb == "duplicate":
        name = next_name(campaign.name, Campaign.objects.all())
        flights = campaign.flights.count()
        return Verdict(campaign, f"“{name}” with {flights} {'flight' if flights == 1 else 'flights'} as drafts, from tomorrow on.")
    if campaign.state not in _CAMPAIGN_FROM[verb]:
        allowed = " or ".join(_CAMPAIGN_FROM[verb])
        return Verdict(campaign, refused=f"It is {campaign.state}; only {allowed} campaigns can be {verb}{'d' if verb.endswith('e') else 'ed'}.")
    if verb != "end":
        return Verdict(campaign, "All its flights " + ("stop serving" if verb == "pause" else "serve again") + " within a second.")
    running = campaign.flights.exclude(state=Flight.State.ENDED).select_related("balance")
    booked = sum(flight.balance.booked_micros for flight in running if getattr(flight, "balance", None))
    return Verdict(campaign, f"Stops {len(running)} flights for good; {money(booked, settings.CURRENCY)} booked on them stay.")


def _checked(flight: Flight, changes: dict[str, Any], words: str) -> Verdict:
    """``words``, or what the rules say against the flight with ``changes``."""
    trial = Flight.objects.select_related("campaign").get(pk=flight.pk)
    for name, value in changes.items():
        setattr(trial, name, value)
    try:
        trial.full_clean()
    except ValidationError as error:
        return Verdict(flight, refused=" ".join(error.messages))
    return Verdict(flight, words)
