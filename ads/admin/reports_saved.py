"""Reports kept under a name: one's own, and those that a colleague shares."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse

from adplatform import admin_pages
from ads.models import SavedFilter
from ads.scope import advertiser_of

PAGE = "report"
RIGHT = "ads.view_campaign"
LONGEST_NAME, LONGEST_QUERY = 60, 2000


def may_save(user: AbstractBaseUser | AnonymousUser) -> bool:
    """People of an advertiser read: what they look at stands in the address, which their browser keeps."""
    return advertiser_of(user) is None


def saved_for(user: AbstractBaseUser | AnonymousUser, page: str) -> QuerySet[SavedFilter]:
    """One's own, and what others share: its name may tell whose figures it holds, so people of an advertiser see none."""
    if not may_save(user):
        return SavedFilter.objects.none()
    return SavedFilter.objects.filter(Q(owner=user.pk) | Q(shared=True), page=page).select_related("owner")


def save(request: HttpRequest) -> HttpResponse:
    """``POST`` with a name and the report's address: kept under that name, over what the person kept under it before."""
    if refused := _refused(request):
        return refused
    name, query = request.POST.get("name", "").strip(), request.POST.get("query", "").lstrip("?")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        messages.warning(request, f"Give the report a name of 1 to {LONGEST_NAME} characters.")
    elif len(query) > LONGEST_QUERY:
        messages.warning(request, "This report is limited to too many values to be kept under a name; bookmark its address instead.")
    else:
        values: dict[str, Any] = {"query": query, "shared": request.POST.get("shared") == "1"}
        SavedFilter.objects.update_or_create(owner_id=request.user.pk, page=PAGE, name=name, defaults=values)
        messages.success(request, f"Kept as “{name}”.")
    return redirect(f"{reverse('admin:report')}?{query[:LONGEST_QUERY]}")


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """``POST``: one's own saved report goes."""
    if refused := _refused(request):
        return refused
    if SavedFilter.objects.filter(pk=pk, owner_id=request.user.pk, page=PAGE).delete()[0]:
        messages.success(request, "The saved report is gone.")
    else:
        messages.warning(request, "There is no such saved report of yours.")
    return redirect("admin:report")


def _refused(request: HttpRequest) -> HttpResponse | None:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(RIGHT) or not may_save(request.user):
        raise PermissionDenied
    return None


admin_pages.add("reports/saved/", save, "report_save")
admin_pages.add("reports/saved/<int:pk>/remove/", remove, "report_remove")
