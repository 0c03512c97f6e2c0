"""The refetch of a stream's figures, and the door of every page. Neither asks the database for a figure: the publisher did, once for
everybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import store
from .business.tiles import tiles_for
from .permissions import NotAllowed, Rights, rights
from .streams import Audience, BadStream, parse

CLOSED = "The live dashboards are for executives and ad operations; ask an administrator for the group."
Page = Callable[..., HttpResponse]


def live_page(audience: Audience = "business") -> Callable[[Page], Page]:
    """A page for those who may watch streams of this audience; it is called with their rights as ``rights``."""

    def decorate(view: Page) -> Page:
        @require_safe
        @never_cache
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            found = rights(request.user.pk)
            if not (found.business or (audience == "content" and found.content) or (audience == "own" and found.advertiser is not None)):
                raise PermissionDenied(CLOSED)
            return view(request, *args, rights=found, **kwargs)

        return guarded

    return decorate


@live_page("own")
def page(request: HttpRequest, *, rights: Rights) -> HttpResponse:
    tiles = tiles_for(business=rights.business)
    return render(request, "insights/live.html", {"tiles": tiles, "currency": settings.CURRENCY, "login_url": settings.LOGIN_URL, "rights": rights})


@require_safe
@never_cache
def snapshot_json(request: HttpRequest) -> HttpResponse:
    """The last published snapshot of ``?stream=``: what a page reads when it opens, reconnects or finds a gap."""
    if not request.user.is_authenticated:
        return JsonResponse({"problem": "signed_out"}, status=401)
    found = rights(request.user.pk)
    if not found.any:
        return JsonResponse({"problem": "not_allowed"}, status=403)
    try:
        key = found.narrowed(parse(request.GET.get("stream", store.MAIN))).key
    except BadStream as reason:
        return JsonResponse({"problem": "no_such_stream", "reason": str(reason)}, status=400)
    except NotAllowed as reason:
        return JsonResponse({"problem": "not_allowed", "reason": str(reason)}, status=403)
    try:
        placed = store.watch(key, who=request.user.pk)
        body = store.last(key)
    except redis.RedisError:
        return JsonResponse({"problem": "redis_unreachable"}, status=503)
    if body is None and not placed:
        return JsonResponse({"problem": "too_many_streams"}, status=429)
    if body is None:
        return HttpResponse(status=204)  # nobody published it within the hour
    # The page tells the age of the figures by the server's clock, not by its own.
    return HttpResponse(body, content_type="application/json", headers={"X-Server-Now": str(round(time.time() * 1000))})
