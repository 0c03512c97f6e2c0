"""Chips above a list: filters that somebody kept under a name, and a line to keep the one that is set."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse

from ads import saved_filters
from ads.models import SavedFilter
from ads.scope import EVERYBODY, advertiser_of

from .kept import Kept


class Filtered(Kept):
    """Adds kept filters to a list. People of an advertiser keep none: a shared name may tell whose figures it holds."""

    change_list_template = "ads/admin/change_list.html"

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.filters_page)
        return [path("filters/", page, name=f"ads_{self.opts.model_name}_filters"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = dict(extra_context or {})
        if advertiser_of(request.user) is EVERYBODY and self.has_view_permission(request):
            now = saved_filters.kept_query(request.GET.urlencode())
            listed = reverse(f"admin:ads_{self.opts.model_name}_changelist")
            context["saved"] = {
                "filters": [
                    {"pk": row.pk, "name": row.name, "address": f"{listed}?{row.query}", "mine": row.owner_id == request.user.pk,
                     "owner": str(row.owner), "shared": row.shared, "on": row.query == now}
                    for row in saved_filters.filters_of(request.user, self._page())
                ],
                "query": now,
                "address": reverse(f"admin:ads_{self.opts.model_name}_filters"),
            }  # fmt: skip
        return super().changelist_view(request, context)

    def _page(self) -> str:
        return f"ads_{self.opts.model_name}_changelist"

    def filters_page(self, request: HttpRequest) -> HttpResponse:
        """``POST``: keep, rename or remove a filter, then back to the list."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request) or advertiser_of(request.user) is not EVERYBODY:
            raise PermissionDenied
        asked, query = request.POST, saved_filters.kept_query(request.POST.get("query", ""))
        try:
            if asked.get("do") == "save":
                row = saved_filters.filter_save(
                    actor=request.user, page=self._page(), name=asked.get("name", ""), query=query, shared=asked.get("shared") == "1"
                )
                self.message_user(request, f"Kept as “{row.name}”.", messages.SUCCESS)
            else:
                pk = asked.get("filter", "")
                row = get_object_or_404(SavedFilter, pk=int(pk) if pk.isdecimal() and len(pk) < 18 else 0, page=self._page())
                if asked.get("do") == "rename":
                    saved_filters.filter_rename(actor=request.user, row=row, name=asked.get("name", ""))
                else:
                    saved_filters.filter_remove(actor=request.user, row=row)
                    self.message_user(request, f"“{row.name}” is gone.", messages.SUCCESS)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
        return redirect(f"{reverse(f'admin:{self._page()}')}?{query}")
