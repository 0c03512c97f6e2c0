"""Frequency caps: how often one viewer may be served, counted exactly over sliding windows, playbacks and a lifetime.

A cap of a pod needs no count here: no two ads of one advertiser stand in a pod, so nothing that a cap counts comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .inventory import LIFETIME, POD, STREAM, CapRow, Inventory
from .request import AdRequest
from .state import DeliveryState, Mask, Seen

# Without consent only the session is known. A window longer than this outlives it, so the cap counts once per session.
SESSION_SECONDS = 3600
# Longer than any session is kept: every serving of the session lies within.
WHOLE_SESSION = 10 * 366 * 86_400

Entity = tuple[str, int]


def counted(request: AdRequest) -> bool:
    """Whether caps are counted on the viewer; otherwise they are counted on the session."""
    return request.consent and request.viewer is not None


def effective(cap: CapRow, *, consent: bool) -> tuple[int, int]:
    """(count, seconds) of a cap as it can be counted over what was seen: with consent as written, else at most once a session
    where it outlives the session. A lifetime is as long as anything is remembered."""
    seconds = WHOLE_SESSION if cap.seconds is None else cap.seconds
    if consent or cap.per == STREAM or seconds <= SESSION_SECONDS:
        return cap.count, seconds
    return min(cap.count, 1), WHOLE_SESSION


@dataclass(frozen=True, slots=True)
class _History:
    """When each ad, flight, campaign and advertiser was served before; ``seen`` in Unix seconds, ``stream`` in this playback."""

    seen: Mapping[Entity, Sequence[float]]
    stream: Mapping[Entity, Sequence[float]]
    lifetime: Mapping[Entity, int]
    consent: bool
    now: float

    def full(self, cap: CapRow, entity: Entity) -> bool:
        if cap.per == POD:
            return False
        if cap.per == STREAM:
            return len(self.stream.get(entity, ())) >= cap.count
        if cap.per == LIFETIME and self.consent:
            return self.lifetime.get(entity, 0) >= cap.count
        count, seconds = effective(cap, consent=self.consent)
        since = self.now - seconds
        return sum(at > since for at in self.seen.get(entity, ())) >= count


def reached(inventory: Inventory, request: AdRequest, state: DeliveryState, now: float) -> Mask:
    """Ads that this viewer may not be served again yet, as a mask over ads. The work grows with what was seen, not with the ads."""
    mask = np.zeros(len(inventory.ads), dtype=bool)
    if not inventory.limits:
        return mask
    history = _History(
        seen=_times(inventory.cap_scopes, state.seen),
        stream=_times(inventory.cap_scopes, in_stream(request, state)),
        lifetime={entity_of(name): count for name, count in state.lifetime.items()},
        consent=counted(request),
        now=now,
    )
    for entity in history.seen.keys() | history.stream.keys() | history.lifetime.keys():
        for limit in inventory.limits.get(entity, ()):
            if history.full(limit.cap, entity):
                mask[limit.ads] = True
    return mask


def _times(scopes: Iterable[str], entries: Iterable[Seen]) -> dict[Entity, list[float]]:
    times: dict[Entity, list[float]] = {}
    for entry in entries:
        for scope in scopes:
            times.setdefault((scope, getattr(entry, scope)), []).append(entry.at)
    return times


def entity_of(name: str) -> Entity:
    """``campaign:7`` as `DeliveryState.lifetime` names it."""
    scope, _, number = name.partition(":")
    return scope, int(number)


def in_stream(request: AdRequest, state: DeliveryState) -> tuple[Seen, ...]:
    """What was served in this playback."""
    return state.stream if counted(request) else state.stream or state.seen


def uncountable(inventory: Inventory, request: AdRequest) -> Mask:
    """Strict flights with caps that outlast a playback, where the viewer may not be recognised, as a mask over flights."""
    if counted(request):
        return np.zeros(len(inventory.flights), dtype=bool)
    return inventory.strict & inventory.has_caps


def too_soon(inventory: Inventory, request: AdRequest, state: DeliveryState, now: float) -> Mask:
    """Ads whose clip this viewer saw, or this playback had, less than the policy's gap ago, as a mask over ads. Several ads may carry
    one clip, and the viewer sees the clip; of an ad that left the inventory the clip is not known, and the ad itself cannot come."""
    since = now - request.creative_gap
    known = inventory.ad_row
    clips = {inventory.ads[known[entry.ad]].asset for entry in (*state.seen, *state.stream) if entry.at > since and entry.ad in known}
    mask = np.zeros(len(inventory.ads), dtype=bool)
    for clip in clips:
        mask |= inventory.ad_asset == clip
    return mask


def stream_taken(inventory: Inventory, request: AdRequest, state: DeliveryState) -> Mask:
    """Ads of an advertiser or category that was in this playback already, where one of the two flights wants it alone, as a mask over ads."""
    mask = np.zeros(len(inventory.ads), dtype=bool)
    entries = in_stream(request, state)
    if not entries or not inventory.stream_exclusive.any():
        return mask
    mask |= inventory.stream_exclusive[inventory.ad_flight] & _rivals(inventory, entries)
    alone = [entry for entry in entries if _wants_it_alone(inventory, entry)]
    return mask | _rivals(inventory, alone) if alone else mask


def _wants_it_alone(inventory: Inventory, entry: Seen) -> bool:
    row = inventory.flight_row.get(entry.flight)
    return row is not None and bool(inventory.stream_exclusive[row])


def _rivals(inventory: Inventory, entries: Sequence[Seen]) -> Mask:
    """Ads of the advertisers and categories of ``entries``."""
    advertisers = np.array([entry.advertiser for entry in entries], dtype=np.int64)
    codes = np.array([inventory.category_code.get(entry.category, -1) for entry in entries], dtype=np.int64)
    rivals: Mask = np.isin(inventory.advertiser, advertisers)[inventory.ad_flight] | np.isin(inventory.ad_category, codes)
    return rivals
