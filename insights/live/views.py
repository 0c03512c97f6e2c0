"""The page and the refetch of its figures. Neither asks the database for a figure: the publisher did, once for everybody."""

from __future__ import annotations

import time

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import store
from .permissions import may_watch
from .tiles import TILES


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    if not may_watch(request.user.pk):
        raise PermissionDenied("The live dashboard is for executives and ad operations; ask an administrator for the group.")
    return render(request, "insights/live.html", {"tiles": TILES, "currency": settings.CURRENCY, "login_url": settings.LOGIN_URL})


@require_safe
@never_cache
def snapshot_json(request: HttpRequest) -> HttpResponse:
    """The last published snapshot: what a page reads when it opens, reconnects or finds a gap."""
    if not request.user.is_authenticated:
        return JsonResponse({"problem": "signed_out"}, status=401)
    if not may_watch(request.user.pk):
        return JsonResponse({"problem": "not_allowed"}, status=403)
    try:
        body = store.last()
    except redis.RedisError:
        return JsonResponse({"problem": "redis_unreachable"}, status=503)
    if body is None:
        return HttpResponse(status=204)  # no publisher has run yet
    # The page tells the age of the figures by the server's clock, not by its own.
    return HttpResponse(body, content_type="application/json", headers={"X-Server-Now": str(round(time.time() * 1000))})
