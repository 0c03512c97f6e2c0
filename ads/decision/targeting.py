"""Whom a flight may reach. One rule an attribute and direction, one mask over flights, one reason code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .explanation import CODES
from .inventory import TARGETABLE, Inventory, Rule, Value, Wanted
from .request import CONSENT_ATTRIBUTES, AdRequest
from .state import Codes, Mask

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
# Each half of the rules is worked out once for the values it has met, and so many answers are remembered for each inventory.
MOST_REMEMBERED = 4096


def first_failures(inventory: Inventory, request: AdRequest, now: float) -> Codes:
    """For each flight [flights] the code of the first rule that it fails, 0 where it passes them all; ``now`` in Unix seconds."""
    codes = _dates(inventory, now)
    for rules in inventory.halves:
        found = _remembered(inventory, rules, tuple([known_values(request, rule.key) for rule in rules]))
        codes = np.where(codes == 0, found, codes)
    return codes if inventory.halves else codes.copy()


def _dates(inventory: Inventory, now: float) -> Codes:
    """The same between two moments at which a flight starts or ends."""
    key = ("dates", int(inventory.borders.searchsorted(now, side="right")))
    found = inventory.memo.get(key)
    if found is None:
        late = np.where(inventory.ends <= now, CODES["ended"], 0)
        found = inventory.memo[key] = np.where(inventory.starts > now, CODES["not_started"], late).astype(np.uint8)
    return found


def failures(inventory: Inventory, request: AdRequest) -> Iterator[tuple[str, Mask]]:
    """For each rule and direction its reason code and the flights [flights] that fail it, whatever else they fail; dates aside."""
    for rule in inventory.rules:
        yield from failures_of(rule, request)


def failures_of(rule: Rule, request: AdRequest) -> Iterator[tuple[str, Mask]]:
    """As `failures`, of one rule."""
    return _failures(rule, known_values(request, rule.key))


def _remembered(inventory: Inventory, rules: tuple[Rule, ...], values: tuple[tuple[Value, ...] | None, ...]) -> Codes:
    key = (rules[0].key, values)
    found = inventory.memo.get(key)
    if found is None:
        if len(inventory.memo) >= MOST_REMEMBERED:
            inventory.memo.clear()
        found = inventory.memo[key] = _codes(rules, values)
    return found


def _codes(rules: tuple[Rule, ...], values: tuple[tuple[Value, ...] | None, ...]) -> Codes:
    codes = np.zeros(len(rules[0].asking), dtype=np.uint8)
    for rule, told in zip(rules, values, strict=True):
        for reason, mask in _failures(rule, told):
            codes[mask & (codes == 0)] = CODES[reason]
    return codes


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
    yield not_targeted, missed
    yield excluded, _wanting(rule.excludes, values)


def _wanting(wanted: Wanted, values: tuple[Value, ...]) -> Mask:
    """The flights that name any of ``values``."""
    mask = np.zeros(len(wanted.asking), dtype=bool)
    for value in values:
        rows = wanted.rows.get(value)
        if rows is not None:
            mask[rows] = True
    return mask
