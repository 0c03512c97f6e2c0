"""Rows of the click and completion models as served, found again by what names them: a decision and a slot."""

from __future__ import annotations

import uuid

import numpy as np

from adplatform.learning.card.explain import CannotExplain, LoggedRow
from adplatform.learning.schema import SchemaMismatch
from ads.models import Decision

from .features import SCHEMA

ASKS_FOR = "Decision and slot, for example 0199...e4/1"


def logged_row(key: str) -> LoggedRow:
    """The features of one slot as they were served; ``key`` is ``decision`` or ``decision/slot``, the first slot
    being 1 as on the decision's page. Raises CannotExplain."""
    name, _, number = key.partition("/")
    try:
        of, place = uuid.UUID(name.strip()), int(number or 1)
    except ValueError as error:
        raise CannotExplain(f"{key!r} names no slot; give the id of a decision, a slash and the number of the slot") from error
    decision = Decision.objects.filter(pk=of).only("id", "decided_at", "slots").first()
    if decision is None:
        raise CannotExplain(f"there is no decision {of}; it may be older than what is kept")
    slot = next((slot for slot in decision.slots if slot["slot"] == place - 1), None)
    if slot is None:
        there = ", ".join(str(slot["slot"] + 1) for slot in decision.slots) or "none"
        raise CannotExplain(f"decision {of} has no slot {place}; slots it filled: {there}")
    try:
        values = SCHEMA.unpack(slot["features"])
    except SchemaMismatch as error:
        raise CannotExplain(f"this slot was {error}; only rows of the present features can be taken apart") from error
    words = f"{slot['name']} in slot {place} of the break decided at {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    return LoggedRow(np.array(values, dtype=np.float32), SCHEMA, words)
