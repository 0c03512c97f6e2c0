"""The pages of one title and of the whole catalogue. They are opened by who may see what is watched; no figure is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import redis
import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from catalog.models import Title
from insights.live.permissions import Rights
from insights.live.views import live_page
from insights.tasks import work_out_content

from . import worked
from .catalogue import NAMES
from .title import DAYS, MOST_DAYS, names_of

log = structlog.get_logger(__name__)
STORY_RIGHTS = ("catalog.view_title", "engagement.view_directordecision")


@live_page("content")
def title_page(request: HttpRequest, slug: str, *, rights: Rights) -> HttpResponse:
    title = Title.objects.filter(slug=slug).first()
    if title is None:
        return render(request, "insights/live_no_title.html", {"slug": slug, "rights": rights}, status=404)
    days = request.GET.get("days", MOST_DAYS)
    _have_worked_out(names_of(title.pk, int(days if days in DAYS else MOST_DAYS)))
    reads_decisions = all(request.user.has_perm(right) for right in STORY_RIGHTS) and request.user.is_staff
    context = {"title": title, "rights": rights, "reads_decisions": reads_decisions, "spans": DAYS}
    if reads_decisions:
        context["story_url"] = reverse("admin:catalog_title_story", args=[title.pk])
    return render(request, "insights/live_title.html", context)


@live_page("content")
def content_page(request: HttpRequest, *, rights: Rights) -> HttpResponse:
    _have_worked_out(NAMES)
    return render(request, "insights/live_content.html", {"rights": rights})


def _have_worked_out(names: Sequence[str]) -> None:
    """Ask a worker for what is not fresh; without Redis or a broker the page opens all the same and says what is missing."""
    with contextlib.suppress(redis.RedisError):
        if wanted := worked.stale(names, now=timezone.now()):
            try:
                work_out_content.apply_async((wanted,), retry=False, expires=60)
            except OperationalError as error:
                log.warning("live_content_unasked", names=wanted, reason=str(error), action="beat asks again within a minute")
