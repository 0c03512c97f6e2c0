"""Events that could not be stored: sent again once what stopped them is repaired."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from adplatform.models import DeadEvent

from . import stream
from .envelope import decode


def dead_events_retry(*, dead: QuerySet[DeadEvent]) -> int:
    """Append these events to the log again and forget them as dead; returns how many. Raises LogUnavailable.

    Appended before deleted: a crash in between sends them twice, which changes nothing.
    """
    with transaction.atomic():
        rows = list(dead.select_for_update(skip_locked=True))
        stream.append_payloads([bytes(row.payload) for row in rows])
        DeadEvent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def readable(payload: bytes) -> str:
    """The event as indented JSON, or its bytes in hex when it cannot be decoded."""
    try:
        event: Any = decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return payload.hex(" ")
    return msgspec.json.format(msgspec.json.encode(event), indent=2).decode()
