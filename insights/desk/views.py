"""The board of pinned answers, and the page that a shared link opens."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from insights.chat.api import FORBIDDEN
from insights.models import Pin, ScheduledQuestion
from insights.semantic.access import may_open_page

from .services import shared_by_token


@require_safe
@login_required
@ensure_csrf_cookie
def board(request: HttpRequest) -> HttpResponse:
    """The person's own pins, answered anew one by one by the page, and what they get by mail."""
    user = _asker(request)
    schedules = ScheduledQuestion.objects.filter(user=user, active=True)
    return render(request, "insights/board.html", {"currency": settings.CURRENCY, "pins": Pin.objects.filter(user=user), "schedules": schedules})


@require_safe
@login_required
@ensure_csrf_cookie
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A question that somebody shared, answered for whoever opens it."""
    _asker(request)
    found = shared_by_token(token, now=timezone.now())
    return render(request, "insights/shared.html", {"currency": settings.CURRENCY, "shared": found, "token": token}, status=200 if found else 404)


def _asker(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not may_open_page(user):
        raise PermissionDenied(FORBIDDEN)
    return user
