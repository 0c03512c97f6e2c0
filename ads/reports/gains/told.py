"""Gains as plain values with sentences: what pages show, the API answers, the command prints and the cache keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.core.signing import BadSignature, Signer

from ads import selectors
from ads.decision.explanation import REASONS
from ads.models import Ad, Flight
from ads.reports.why_not import phrase
from ads.terms import MICROS

from .estimate import Estimate
from .service import Gains, Option, Progress, gains

# An answer holds as long as the flight is what it was; what others sell moves more slowly than that.
KEPT_SECONDS = 3_600
# A change of this software may find other changes: a new number forgets the answers of before.
VERSION = 1
LOSERS = 3
ANOTHERS = "another advertiser's flight"
UNITS = {"impressions": "impressions", "completed_views": "completed views", "clicks": "clicks", "spend": settings.CURRENCY}
_signer = Signer(salt="ads.gains.change")


def key_of(flight: Flight, since: datetime, until: datetime) -> str:
    """Where the answer is kept: the same for as long as the flight, its ads and the hours looked at are the same."""
    columns = Flight.objects.filter(pk=flight.pk).values_list(*selectors.FLIGHT_COLUMNS).get()
    ads = list(Ad.objects.filter(flight=flight).order_by("pk").values_list("pk", "review", "asset__state", "asset__duration"))
    hours = (f"{since:%Y%m%d%H}", f"{until:%Y%m%d%H}")
    return f"gains:{VERSION}:{flight.pk}:{hashlib.sha256(repr((columns, ads, hours)).encode()).hexdigest()[:24]}"


def kept(flight: Flight, since: datetime, until: datetime) -> dict[str, Any] | None:
    found: dict[str, Any] | None = cache.get(key_of(flight, since, until))
    return found


def found(flight: Flight, since: datetime, until: datetime, *, now: datetime, progress: Progress | None = None) -> dict[str, Any]:
    """The answer, from the cache where it is kept. Raises NothingLogged."""
    key = key_of(flight, since, until)
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        known = told(flight, gains(flight, since, until, now=now, progress=progress))
        cache.set(key, known, KEPT_SECONDS)
    return known


def told(flight: Flight, found: Gains) -> dict[str, Any]:
    by_goal = found.goal_type in ("completed_views", "clicks")
    return {
        "flight": found.flight,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "requests": found.requests,
        "decided": found.decided,
        "persons": found.persons,
        "days": found.days,
        "as_if_live": found.shifted,
        "impressions_a_day": found.impressions,
        "goal_a_day": found.goal,
        "goal_type": found.goal_type,
        "reasons": [
            {
                "code": code,
                "words": REASONS.get(code, code),
                "phrase": phrase(code),
                "count": count,
                "share": count / max(sum(found.reasons.values()), 1),
            }
            for code, count in found.reasons.items()
        ],
        "options": [_option(flight, option, by_goal=by_goal) for option in found.options],
        "pair": None if found.pair is None else _option(flight, found.pair, by_goal=by_goal),
        "tried": [{"words": words, "extra_a_day": extra} for words, extra in found.tried],
    }


def _option(flight: Flight, option: Option, *, by_goal: bool) -> dict[str, Any]:
    gain = option.gain
    return {
        "key": option.change.key,
        "words": option.change.words,
        "note": option.change.note,
        "impressions": _estimate(gain.impressions),
        "goal": _estimate(gain.goal),
        "spend": {name: value / MICROS for name, value in _estimate(gain.micros).items()},
        "gain_words": _gain_words(gain.goal if by_goal else gain.impressions, UNITS[flight.goal_type] if by_goal else "impressions"),
        "also_words": _gain_words(gain.impressions, "impressions") if by_goal else "",
        "spend_words": _spend_words(gain.micros),
        "sure": (gain.goal if by_goal else gain.impressions).sure,
        "losers": [
            {"flight": one, "name": name or "seconds that stayed empty", "advertiser": advertiser, "a_day": slots}
            for one, name, advertiser, slots in option.losers[:LOSERS]
        ],
        "needs_clip": option.change.clip,
        "change": "" if option.change.clip else sealed(flight, option.change.columns),
    }


def _estimate(found: Estimate) -> dict[str, float]:
    return {"extra": found.extra, "low": found.low, "high": found.high}


def _gain_words(found: Estimate, unit: str) -> str:
    return f"{_figure(found.extra)} {unit} a day (95 %: {_figure(found.low)} to {_figure(found.high)})"


def _figure(value: float) -> str:
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    text = f"{value:+,.{digits}f}"
    return "0" if float(text.replace(",", "")) == 0 else text


def _spend_words(found: Estimate) -> str:
    """What it costs, as sold: a day's extra charge."""
    amount = found.extra / MICROS
    if abs(amount) < 0.005:
        return "It costs about the same."
    return f"It is charged about {abs(amount):,.2f} {settings.CURRENCY} a day {'more' if amount > 0 else 'less'}."


def for_advertiser(answer: Mapping[str, Any], advertiser: int) -> dict[str, Any]:
    """The same without names of what others sell."""

    def narrowed(option: dict[str, Any]) -> dict[str, Any]:
        hidden = {"flight": 0, "name": ANOTHERS, "advertiser": 0}
        return {**option, "losers": [one if one["advertiser"] in (advertiser, 0) else {**one, **hidden} for one in option["losers"]]}

    pair = answer["pair"]
    return {**answer, "options": [narrowed(one) for one in answer["options"]], "pair": pair and narrowed(pair)}


# A change as the page hands it back


def sealed(flight: Flight, columns: Mapping[str, Any]) -> str:
    """``columns`` with what they were, signed: what is confirmed is what was estimated."""
    was = {name: _value(flight, name) for name in columns}
    return _signer.sign_object({"flight": flight.pk, "columns": dict(columns), "was": was})


def unsealed(flight: Flight, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(new values, values that they replace) by column. Raises ValueError in words."""
    try:
        read = _signer.unsign_object(text)
    except (BadSignature, ValueError):
        raise ValueError("This change cannot be read; look for changes again.") from None
    if read["flight"] != flight.pk or any(_value(flight, name) != value for name, value in read["was"].items()):
        raise ValueError("The flight was changed since this was worked out; look for changes again.")
    return read["columns"], read["was"]


def _value(flight: Flight, column: str) -> Any:
    value: Any = flight
    for name in column.split("__"):
        value = getattr(value, name)
    return msgspec.to_builtins(value)
