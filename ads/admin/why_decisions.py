"""Single decisions of a flight: some of each reason, one made again, and whether the flight would have won it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404

from adplatform.eventlog import ids
from ads.decision.explanation import REASONS
from ads.models import Decision, Flight
from ads.reports.gains.one import Otherwise, Wish, otherwise
from ads.reports.gains.sample import NothingLogged
from ads.reports.gains.told import ANOTHERS
from ads.reports.samples import Sample, samples
from ads.reports.why_not import Funnel

from . import show
from .fields import MoneyField

PLACES = {"pre": "before the film", "mid": "in the film", "post": "after the film"}


class WishForm(forms.Form):
    """How the flight might have been."""

    bid = MoneyField(label="Bid", required=False)
    everybody = forms.BooleanField(label="targeting everybody", required=False)
    uncapped = forms.BooleanField(label="without caps", required=False)
    let_through = forms.BooleanField(label="let through by pacing", required=False)
    funded = forms.BooleanField(label="with budget and goal left", required=False)

    def wish(self) -> Wish | None:
        """None where nothing is asked, or what is asked cannot be read."""
        if not self.is_bound or not self.is_valid() or not any(self.cleaned_data.values()):
            return None
        given = self.cleaned_data
        return Wish(given["bid"], given["everybody"], given["uncapped"], given["let_through"], given["funded"])


def listed(
    flight: Flight, funnel: Funnel, reason: str, named: Callable[[Iterable[int]], Mapping[int, str]], *, viewers: bool, advertiser: int | None
) -> list[dict[str, Any]]:
    """Some decisions of one reason, in words; ``named`` gives titles their names. ``advertiser`` is whose names may be told, None for everybody's."""
    found = samples(funnel, reason, list(flight.ads.values_list("pk", flat=True)))
    names = named(one.title or 0 for one in found)
    return [_listed(one, names, viewers=viewers, advertiser=advertiser) for one in found]


def _listed(one: Sample, names: Mapping[int, str], *, viewers: bool, advertiser: int | None) -> dict[str, Any]:
    request = one.request
    return {
        "id": one.id,
        "at": one.at,
        "title": names[one.title or 0],
        "device": request["device"],
        "place": PLACES.get(request["break_position"], request["break_position"]),
        "seconds": request["duration"],
        "viewer": one.viewer if viewers else None,
        "consent": request["consent"],
        "winners": [f"{_name(slot, advertiser)} at {show.money(slot['price_micros'], digits=4)}" for slot in one.slots],
        "parts": [_parts(candidate) for candidate in one.told],
    }


def _name(slot: Mapping[str, Any], advertiser: int | None) -> str:
    return f"{slot['name']} ({slot['campaign_name']})" if advertiser in (None, slot["advertiser"]) else ANOTHERS.replace("flight", "ad")


def _parts(candidate: Mapping[str, Any]) -> str:
    """How its score came about."""
    value, score = (show.money(round(candidate[name]), digits=4) for name in ("value_micros", "score"))
    return f"{value} an impression x {candidate['quality']:.2f} quality x {candidate['multiplier']:.2f} pacing = {score}"


def stored(pk: UUID) -> Decision:
    """Raises Http404."""
    try:
        found = Decision.objects.filter(pk=pk, day=ids.day_of(pk)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def became(decision: Decision, flight: Flight) -> list[dict[str, str]]:
    """What became of each of the flight's ads there. Raises Http404 where none of them was looked at."""
    ads = dict(flight.ads.values_list("pk", "name"))
    told = {one["ad"]: one["words"] for one in decision.explanation["candidates"] if one["ad"] in ads}
    told |= {ad: REASONS.get(code, code) for code, others in decision.explanation["others"].items() for ad in others if ad in ads}
    if not told:
        raise Http404
    return [{"ad": ads[ad], "words": words} for ad, words in told.items()]


def wished(decision: Decision, flight: Flight, form: WishForm, advertiser: int | None) -> dict[str, Any] | None:
    """What would have come of it, None where nothing was asked."""
    wish = form.wish()
    if wish is None:
        return None
    try:
        found = otherwise(decision, flight.pk, wish)
    except NothingLogged as error:
        return {"problem": str(error)}
    return _otherwise(found, flight, advertiser)


def _otherwise(found: Otherwise, flight: Flight, advertiser: int | None) -> dict[str, Any]:
    ads = dict(flight.ads.values_list("pk", "name"))
    winners = [
        f"{ad.name} ({row.campaign_name})" if advertiser in (None, row.advertiser) else ANOTHERS.replace("flight", "ad") for ad, row, _ in found.slots
    ]
    prices = [show.money(price, digits=4) for _, _, price in found.slots]
    return {
        "won": found.won,
        "reasons": [{"ad": ads.get(ad, f"ad {ad}"), "words": REASONS.get(code, code)} for ad, code in found.reasons.items()],
        "slots": [f"{name} at {price}" for name, price in zip(winners, prices, strict=True)],
    }
