"""Whether an audience that reads well is a possible one."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator

from .audience import INVALID_KINDS, Audience

LARGEST_AUDIENCE = 1_000_000


def problems(audience: Audience) -> list[str]:
    """What is wrong, each in a sentence with its place; empty when nothing is."""
    return [*_people(audience), *_weights(audience), *_places(audience), *_shares(audience), *_numbers(audience)]


def _people(audience: Audience) -> Iterator[str]:
    if not 1 <= audience.people <= LARGEST_AUDIENCE:
        yield f"people must be 1 to {LARGEST_AUDIENCE}, not {audience.people}"


def _weights(audience: Audience) -> Iterator[str]:
    rhythm, profile = audience.rhythm, audience.profile
    weekend = rhythm.weekend_hours or rhythm.hours
    for name, values, length in (("rhythm.hours", rhythm.hours, 24), ("rhythm.weekend_hours", weekend, 24), ("rhythm.weekdays", rhythm.weekdays, 7)):
        if len(values) != length or min(values) < 0 or sum(values) <= 0:
            yield f"{name} needs {length} weights, none negative and not all 0"
    shares = {"segments": {segment.name: segment.share for segment in audience.segments}}
    shares |= {f"profile.{name}": getattr(profile, name) for name in ("devices", "age_bands", "genders", "tiers")}
    shares["profile.places"] = {place.country: place.share for place in profile.places}
    if audience.invalid_traffic is not None:
        shares["invalid_traffic.kinds"] = audience.invalid_traffic.kinds
        for kind in sorted(set(audience.invalid_traffic.kinds) - set(INVALID_KINDS)):
            yield f"invalid_traffic.kinds has no “{kind}”; it has {', '.join(INVALID_KINDS)}"
    for name, weights in shares.items():
        if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
            yield f"{name} needs shares, none negative and not all 0"


def _places(audience: Audience) -> Iterator[str]:
    known = zoneinfo.available_timezones()
    for place in audience.profile.places:
        yield from (f"profile.places: there is no zone “{zone}”" for zone in place.zones if zone not in known)
        if not place.zones:
            yield f"profile.places: {place.country} needs a zone"


def _shares(audience: Audience) -> Iterator[str]:
    shares = {
        "profile.consent": audience.profile.consent,
        "rating.share": audience.rating.share,
        "invalid_traffic.share": audience.invalid_traffic.share if audience.invalid_traffic else 0.0,
        "watching.pause_in_ad": audience.watching.pause_in_ad,
        "story.memory": audience.story.memory,
        "story.as_edited": audience.story.as_edited,
        "network.poor": audience.network.poor,
        "network.spell": audience.network.spell,
        "network.stall": audience.network.stall,
        "returning.memory": audience.returning.memory,
    }
    shares |= {f"watching.hidden_in_ad.{device}": share for device, share in audience.watching.hidden_in_ad.items()}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            yield f"{name} is a share from 0 to 1, not {share}"


def _numbers(audience: Audience) -> Iterator[str]:
    if audience.profile.monthly_hours.median <= 0:
        yield "profile.monthly_hours.median must be above 0"
    if any(segment.intensity.width <= 0 for segment in audience.segments):
        yield "segments: intensity.width must be above 0"
    spreads = {"story.reorder": audience.story.reorder.spread, "story.lingering": audience.story.lingering.spread}
    spreads |= {"network.buffer": audience.network.buffer, "network.dropped": audience.network.dropped}
    for name, value in spreads.items():
        if value < 0:
            yield f"{name} cannot be negative"
    if audience.returning.days_away <= 0:
        yield "returning.days_away must be above 0"
