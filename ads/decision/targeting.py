"""Whom a flight may reach. One rule, one mask over flights, one reason code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .inventory import TARGETABLE, Attribute, Inventory
from .request import CONSENT_ATTRIBUTES, AdRequest
from .state import Mask

REASON_OF = {
    "genres": "genre_not_targeted",
    "devices": "device_not_targeted",
    "tiers": "tier_not_targeted",
    "age_bands": "age_not_targeted",
    "genders": "gender_not_targeted",
    "dayparts": "outside_daypart",
}


def failures(inventory: Inventory, request: AdRequest, now: float) -> Iterator[tuple[str, Mask]]:
    """For each rule its reason code and the flights that fail it; ``now`` in Unix seconds."""
    yield "not_started", inventory.starts > now
    yield "ended", inventory.ends <= now
    for name, field in TARGETABLE.items():
        attribute = inventory.attributes[name]
        value = getattr(request, field)
        if field in CONSENT_ATTRIBUTES and (not request.consent or value is None):
            # Fails closed: we do not know, so whoever targets on it does not serve.
            yield "attribute_withheld", attribute.constrained
        else:
            yield REASON_OF[name], attribute.constrained & ~_allowed(attribute, value)


def _allowed(attribute: Attribute, value: str | int | tuple[str, ...]) -> Mask:
    values = value if isinstance(value, tuple) else (value,)
    rows = [attribute.index[known] for known in values if known in attribute.index]
    if not rows:
        return np.zeros(len(attribute.constrained), dtype=bool)
    allowed: Mask = np.logical_or.reduce(attribute.allows[rows], axis=0)
    return allowed
