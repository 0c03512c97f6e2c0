"""What an address of the admin names."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

M = TypeVar("M", bound=Model)
LONGEST_KEY = 18


def row_or_404(rows: QuerySet[M], object_id: str) -> M:
    """The row whose number stands in an address, where anything may stand. Raises Http404."""
    if not (object_id.isascii() and object_id.isdecimal() and len(object_id) <= LONGEST_KEY):
        raise Http404(f"{object_id!r} is no number of a row")
    return get_object_or_404(rows, pk=int(object_id))
