"""Filters of lists under a name: kept by who made them, shared when they say so. Only what stands behind the question mark is kept."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict

from .models import SavedFilter

MOST_OF_ONE = 50
# Which page is looked at and how a file is written belong to no filter.
NOT_KEPT = frozenset({"p", "e", "all", "format", "_changelist_filters", "_popup", "_to_field"})


def kept_query(query: str) -> str:
    """The part of a list's query string that a filter keeps: no address, no page number, nothing that leads elsewhere."""
    given = QueryDict(query.removeprefix("?"), mutable=True)
    for name in NOT_KEPT & set(given):
        del given[name]
    return given.urlencode()


def filters_of(user: Any, page: str) -> QuerySet[SavedFilter]:
    """One's own and those that others share, by name."""
    return SavedFilter.objects.filter(Q(owner=user) | Q(shared=True), page=page).select_related("owner").order_by("name", "pk")


def filter_save(*, actor: Any, page: str, name: str, query: str, shared: bool) -> SavedFilter:
    """Keep a filter, in place of one's own of that name. Raises ValidationError in words."""
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    if not name or len(name) > 60:
        raise ValidationError("Give the filter a name of 1 to 60 characters.")
    kept = kept_query(query)
    if not kept:
        raise ValidationError("Nothing is narrowed, searched or sorted here; there is nothing to keep yet.")
    if len(kept) > 2000:
        raise ValidationError("This filter is too long to keep; narrow by fewer values.")
    with transaction.atomic():
        if SavedFilter.objects.filter(owner=actor, page=page).exclude(name=name).count() >= MOST_OF_ONE:
            raise ValidationError(f"{MOST_OF_ONE} filters of a list are the most; remove one first.")
        row, _ = SavedFilter.objects.update_or_create(owner=actor, page=page, name=name, defaults={"query": kept, "shared": shared})
    return row


def filter_rename(*, actor: Any, row: SavedFilter, name: str) -> SavedFilter:
    """Raises ValidationError when the name is taken, PermissionDenied when it is somebody else's."""
    if row.owner_id != actor.pk:
        raise PermissionDenied("A filter is renamed and removed by who made it.")
    name = " ".join(name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise ValidationError("Give the filter a name of 1 to 60 characters.")
    try:
        with transaction.atomic():
            SavedFilter.objects.filter(pk=row.pk).update(name=name)
    except IntegrityError:
        raise ValidationError(f"You have a filter “{name}” already.") from None
    row.name = name
    return row


def filter_remove(*, actor: Any, row: SavedFilter) -> None:
    """Raises PermissionDenied when it is somebody else's."""
    if row.owner_id != actor.pk:
        raise PermissionDenied("A filter is renamed and removed by who made it.")
    row.delete()
