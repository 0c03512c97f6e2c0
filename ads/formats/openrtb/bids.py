"""Our answer to a bid request: a seat for each advertiser, a bid for each ad, its VAST document as the markup. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ads.decision.limits import domain_of
from ads.formats import vast
from ads.formats.categories import iab_category
from ads.formats.creative import Creative

from .asks import MICROS_PER_CPM, PROTOCOLS, Ask
from .request import FIRST_TAXONOMY

VIDEO = 2
FIRST_SLOT, LAST_SLOT = 1, -1


@dataclass(frozen=True, slots=True)
class Offer:
    """An ad that was decided for an object of the request. ``seat`` is its advertiser's id."""

    ask: Ask
    creative: Creative
    seat: int


def response(request_id: str, offers: Sequence[Offer], *, currency: str, expires: int, slots: Mapping[int, str]) -> dict[str, Any]:
    """The BidResponse. ``expires`` are the seconds for which an ad is held; ``slots`` say by flight where it must stand (first, last, any)."""
    seats: dict[int, list[dict[str, Any]]] = {}
    for offer in offers:
        seats.setdefault(offer.seat, []).append(_bid(offer, currency, expires, slots.get(offer.creative.served.flight, "any")))
    return {"id": request_id, "bidid": str(offers[0].creative.decision), "cur": currency, "seatbid": [_seat(*one) for one in seats.items()]}


def _seat(seat: int, bids: list[dict[str, Any]]) -> dict[str, Any]:
    return {"seat": str(seat), "bid": bids, "group": 0}


def _bid(offer: Offer, currency: str, expires: int, slot: str) -> dict[str, Any]:
    ask, creative, served = offer.ask, offer.creative, offer.creative.served
    category, domain = iab_category(creative.category), domain_of(served.click_through)
    protocol = next(number for number, version in PROTOCOLS.items() if version == ask.version)
    bid: dict[str, Any] = {
        "id": creative.serving_id,
        "impid": ask.imp,
        "price": served.price_micros / MICROS_PER_CPM,
        "adm": vast.document([creative], version=ask.version, currency=currency),
        "lurl": creative.tracking["notUsed"],
        "adid": str(served.ad),
        "adomain": [domain] if domain else [],
        "cid": str(served.campaign),
        "crid": creative.universal_ad_id,
        "cat": [category] if category else [],
        "cattax": FIRST_TAXONOMY,
        "protocol": protocol,
        "w": creative.media.width,
        "h": creative.media.height,
        "exp": expires,
        "dur": round(served.duration),
        "mtype": VIDEO,
    }
    if ask.most_ads > 1 and slot != "any":
        bid["slotinpod"] = FIRST_SLOT if slot == "first" else LAST_SLOT
    return bid
