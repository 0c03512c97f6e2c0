"""One feature of one decision as people read it, and whether this reader may."""

from __future__ import annotations

from typing import Any

from adplatform.learning.schema import Feature

CONSENT = "consent"
NOT_FOR_YOU = "told to those who may read decisions in the admin"


def shown(column: Feature, value: float | None, *, persons: bool) -> dict[str, Any]:
    """``value`` as served, None where it was missing. What takes the viewer's consent is named and not told without ``persons``."""
    told = {"name": column.name, "about": column.description, "privacy": column.privacy}
    if column.privacy == CONSENT and not persons:
        return {**told, "value": None, "words": NOT_FOR_YOU}
    return {**told, "value": value, "words": words(column, value, persons=persons)}


def words(column: Feature, value: float | None, *, persons: bool = True) -> str:
    if value is None:
        return "withheld or not known" if column.privacy == CONSENT else "not known"
    if column.categories is not None:
        return (column.categories[int(value)] or "none") if 0 <= value < len(column.categories) else "unknown"
    return f"id {value:.0f}" if column.identity else f"{value:.6g}"
