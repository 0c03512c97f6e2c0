"""Frequency caps: how often one viewer may be served, counted exactly over sliding windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .inventory import CapRow, FlightRow, Inventory
from .request import AdRequest
from .state import Mask, Seen

# Without consent only the session is known. A window longer than this outlives it, so the cap counts once per session.
SESSION_SECONDS = 3600
# Longer than any session is kept: every serving of the session lies within.
WHOLE_SESSION = 10 * 366 * 86_400
# An ad comes back only after this many others of the same session.
CREATIVE_GAP = 2


def effective(cap: CapRow, *, consent: bool) -> CapRow:
    """The cap that can be counted: with consent as written, else at most once a session when it outlives the session."""
    if consent or cap.seconds <= SESSION_SECONDS:
        return cap
    return CapRow(cap.scope, min(cap.count, 1), WHOLE_SESSION)


def counted(request: AdRequest) -> bool:
    """Whether caps are counted on the viewer; otherwise they are counted on the session."""
    return request.consent and request.viewer is not None


def scope_id(flight: FlightRow, scope: str, ad: int) -> int:
    return {"ad": ad, "flight": flight.id, "campaign": flight.campaign, "advertiser": flight.advertiser}[scope]


def reached(inventory: Inventory, request: AdRequest, seen: Sequence[Seen], now: float) -> Mask:
    """Ads that this viewer may not be served again yet, as a mask over ads."""
    mask = np.zeros(len(inventory.ads), dtype=bool)
    if not seen:
        return mask
    touched = np.isin(inventory.advertiser, [entry.advertiser for entry in seen]) & inventory.has_caps
    consent = counted(request)
    for row in np.flatnonzero(touched[inventory.ad_flight]):
        flight, ad = inventory.flights[inventory.ad_flight[row]], int(inventory.ad_id[row])
        mask[row] = any(_full(seen, effective(cap, consent=consent), scope_id(flight, cap.scope, ad), now) for cap in flight.caps)
    return mask


def uncountable(inventory: Inventory, request: AdRequest) -> Mask:
    """Strict flights with caps, where the viewer may not be recognised."""
    if counted(request):
        return np.zeros(len(inventory.flights), dtype=bool)
    return inventory.strict & inventory.has_caps


def too_soon(inventory: Inventory, request: AdRequest) -> Mask:
    """Ads among the last few of this session, as a mask over ads."""
    mask = np.zeros(len(inventory.ads), dtype=bool)
    for ad, _, _ in request.ads_seen[-CREATIVE_GAP:]:
        mask |= inventory.ad_id == ad
    return mask


def _full(seen: Sequence[Seen], cap: CapRow, wanted: int, now: float) -> bool:
    return sum(1 for entry in seen if entry.at > now - cap.seconds and getattr(entry, cap.scope) == wanted) >= cap.count
