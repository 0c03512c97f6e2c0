"""The page of a title's story in the admin: what the author wrote, what viewers did, what the Director did."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from adplatform.addresses import row_or_404
from catalog.models import Title

from .asked import WindowForm
from .page import story_of_title

RIGHTS = ("catalog.view_title", "engagement.view_directordecision")


def may_read(request: HttpRequest) -> bool:
    """The figures come from what single viewers did, so it takes the right to both the catalogue and the Director's log."""
    return all(request.user.has_perm(right) for right in RIGHTS)


def title_story(request: HttpRequest, object_id: str, *, site: AdminSite) -> HttpResponse:
    if not may_read(request):
        raise PermissionDenied
    title = row_or_404(Title.objects.all(), object_id)
    form = WindowForm(request.GET, today=timezone.now().date())
    page = story_of_title(title, form.window)
    context = {**site.each_context(request), "title": f"Story of {title.name}", "opts": Title._meta, "form": form, "page": page}
    context["may_change"] = request.user.has_perm("catalog.change_scene")
    return render(request, "engagement/admin/story.html", context)
