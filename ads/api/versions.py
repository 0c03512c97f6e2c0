"""``ETag`` and ``If-Match`` (RFC 9110, sections 8.8.3 and 13.1.1): two tools that change one row do not overwrite each other unseen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from ads import services
from ads.models import Flight

from .problems import Problem

HEADER = "If-Match"
TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def etag_of(row: Model) -> str:
    """Of the stored columns, so that a forecast or warning that changes by itself outdates nobody's read."""
    columns = [[field.attname, getattr(row, field.attname)] for field in row._meta.concrete_fields]
    text = json.dumps(columns, cls=DjangoJSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def wanted(request: Request) -> frozenset[str] | None:
    """The states that the write was meant for, None where any will do. Raises ValidationError in words."""
    text = request.headers.get(HEADER)
    if text is None or text.strip() == "*":
        return None
    parts = [TAG.fullmatch(part.strip()) for part in text.split(",")]
    if not all(parts):
        raise ValidationError({HEADER: ['Send the ETag as it was read, with its quotes: If-Match: "0f3c…".']})
    # Weak ones never match here (section 13.1.1).
    return frozenset(f'"{part[2]}"' for part in parts if part and not part[1])


def guarded(request: Request, row: Model, write: Callable[[], Any], *, changes: Mapping[str, Any] | None = None) -> Any:
    """Run ``write`` only while the row is in the state that ``If-Match`` names. Raises Problem("stale")."""
    states = wanted(request)
    if states is None:
        return write()
    with transaction.atomic():
        if isinstance(row, Flight) and "goal_type" in (changes or {}):
            services.goal_lock(row)
        locked = type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
        if locked is None:
            raise NotFound("It was deleted a moment ago.")
        if (present := etag_of(locked)) not in states:
            raise Problem(
                "stale", "The row has changed since it was read; read it again, and change what still has to be.", headers={"ETag": present}
            )
        return write()
