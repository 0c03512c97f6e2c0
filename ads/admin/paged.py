"""Long lists: which rows stand on the page is asked first and of keys alone, what they show is worked out for those few."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from ads.standing import last_days

# Parameters of an address that say nothing of a row's figures.
PLAIN = frozenset({"p", "q", "all", "_changelist_filters", "_popup", "_to_field"})


class Page(ChangeList):  # type: ignore[misc]
    """Sorting whole rows with all their figures costs more than everything else on the page, and forty-nine in fifty are thrown away."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if is_export(request):  # a file holds all rows, and asks for them itself
            return
        keys = list(self.result_list.values_list("pk", flat=True))
        found = {row.pk: row for row in self.model_admin.told(self.model_admin.get_plain(request).filter(pk__in=keys)).order_by()}
        # A row that went between the two questions is left out.
        self.result_list = [found[key] for key in keys if key in found]
        self.add(keys)

    def add(self, keys: list[int]) -> None:
        """What else the rows show, in one query for all of them."""


class PageWithDays(Page):
    """With the last days of delivery; ``key`` is the column of the rollup."""

    key: str

    def add(self, keys: list[int]) -> None:
        days = last_days(self.key, keys, datetime.now(UTC).date())
        for row in self.result_list:
            row.last_days = days.get(row.pk)


class Paged:
    """A list whose rows tell more than their columns: ``told`` adds it to a query."""

    page_class: type[Page] = Page

    def told(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Page]:
        return self.page_class

    def get_plain(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows as they are, without what is told of them."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Every row tells where the list is narrowed or sorted by something, and in a file."""
        rows = self.get_plain(request)
        return self.told(rows) if is_export(request) or (is_list(request) and set(request.GET) - PLAIN) else rows


def is_list(request: HttpRequest) -> bool:
    """Whether the list is asked for: what it shows of every row is not worked out for one page, nor for a field that offers choices."""
    return _named(request, "_changelist")


def is_export(request: HttpRequest) -> bool:
    return _named(request, "_export")


def _named(request: HttpRequest, ending: str) -> bool:
    match = request.resolver_match
    return bool(match and (match.url_name or "").endswith(ending))
