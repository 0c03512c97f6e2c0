"""Pages about a title that rooms above draw and the admin of the catalogue opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class StoryPage:
    """``draw(request, key of the title, site)`` answers and checks rights itself; ``may_read`` says whether to show the way there."""

    draw: Callable[[HttpRequest, str, AdminSite], HttpResponse]
    may_read: Callable[[HttpRequest], bool]


_story: list[StoryPage] = []


def register_story(page: StoryPage) -> None:
    _story[:] = [page]


def draw_story(request: HttpRequest, object_id: str, site: AdminSite) -> HttpResponse:
    """Raises Http404 where no room draws it."""
    if not _story:
        raise Http404("no page shows the story of a title here")
    return _story[0].draw(request, object_id, site)


def may_read_story(request: HttpRequest) -> bool:
    return bool(_story) and _story[0].may_read(request)
