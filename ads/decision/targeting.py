"""Whom a flight may reach. One rule an attribute and direction, one mask over flights, one reason code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .inventory import TARGETABLE, Inventory, Rule, Value, Wanted
from .request import CONSENT_ATTRIBUTES, AdRequest
from .state import Mask

# Key -> the reasons why a flight that includes, or excludes, values of it does not serve.
REASONS_OF = {
    "titles": ("title_not_targeted", "title_excluded"),
    "genres": ("genre_not_targeted", "genre_excluded"),
    "maturity": ("maturity_not_targeted", "maturity_excluded"),
    "moods": ("mood_not_targeted", "mood_excluded"),
    "tags": ("tag_not_targeted", "tag_excluded"),
    "devices": ("device_not_targeted", "device_excluded"),
    "tiers": ("tier_not_targeted", "tier_excluded"),
    "age_bands": ("age_not_targeted", "age_excluded"),
    "genders": ("gender_not_targeted", "gender_excluded"),
    "countries": ("country_not_targeted", "country_excluded"),
    "dayparts": ("outside_daypart", "daypart_excluded"),
    "weekdays": ("weekday_not_targeted", "weekday_excluded"),
    "break_positions": ("break_position_not_targeted", "break_position_excluded"),
    "segments": ("segment_not_targeted", "segment_excluded"),
}
WITHHELD = "attribute_withheld"
# Values differ from viewer to viewer: so many of them are remembered for each inventory.
MOST_REMEMBERED = 4096


def failures(inventory: Inventory, request: AdRequest, now: float) -> Iterator[tuple[str, Mask]]:
    """For each rule its reason code and the flights [flights] that fail it; ``now`` in Unix seconds. Rules that nobody fails are left out."""
    yield "not_started", inventory.starts > now
    yield "ended", inventory.ends <= now
    for rule in inventory.rules:
        values = known_values(request, rule.key)
        remembered = inventory.memo.get((rule.key, values))
        if remembered is None:
            if len(inventory.memo) >= MOST_REMEMBERED:
                inventory.memo.clear()
            remembered = inventory.memo[rule.key, values] = tuple(_failures(rule, values))
        yield from remembered


def known_values(request: AdRequest, key: str) -> tuple[Value, ...] | None:
    """What the request says of an attribute, None when it is withheld or unknown. A viewer may be known to be in no segment."""
    attribute = TARGETABLE[key]
    value = getattr(request, attribute)
    if attribute in CONSENT_ATTRIBUTES and not request.consent:
        return None
    if attribute == "segments":
        return None if value is None else tuple(value)
    if value is None or value in ("", ()):
        return None
    return tuple(value) if isinstance(value, tuple) else (value,)


def _failures(rule: Rule, values: tuple[Value, ...] | None) -> Iterator[tuple[str, Mask]]:
    if values is None:
        # Fails closed: we do not know, so whoever targets on it does not serve, whether it includes or excludes.
        yield WITHHELD, rule.asking
        return
    not_targeted, excluded = REASONS_OF[rule.key]
    missed = np.zeros(len(rule.asking), dtype=bool)
    for level in rule.includes:
        missed |= level.asking & ~_wanting(level, values)
    for reason, mask in ((not_targeted, missed), (excluded, _wanting(rule.excludes, values))):
        if mask.any():
            yield reason, mask


def _wanting(wanted: Wanted, values: tuple[Value, ...]) -> Mask:
    """The flights that name any of ``values``."""
    mask = np.zeros(len(wanted.asking), dtype=bool)
    for value in values:
        rows = wanted.rows.get(value)
        if rows is not None:
            mask[rows] = True
    return mask
