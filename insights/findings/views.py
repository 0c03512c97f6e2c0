"""The page of findings, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from insights.live.permissions import Rights, rights
from insights.live.views import CLOSED, live_page
from insights.models import Insight

from .actions import DOINGS
from .services import DISMISS, Refused, insight_act, insight_dismiss, insight_restore
from .sources import TITLES


@live_page()
def page(request: HttpRequest, *, rights: Rights) -> HttpResponse:
    return render(request, "insights/live_insights.html", {"rights": rights, "kinds": TITLES, "may": may(request.user)})


def may(user: object) -> list[str]:
    """Of the rights that a button here takes, those this person has."""
    wanted = sorted({DISMISS, *(doing.permission for doing in DOINGS.values())})
    return [permission for permission in wanted if isinstance(user, User) and user.has_perm(permission)]


def _button(do: Callable[[User, Insight], Insight]) -> Callable[[HttpRequest, int], HttpResponse]:
    @require_POST
    @login_required
    def pressed(request: HttpRequest, pk: int) -> HttpResponse:
        assert isinstance(request.user, User)  # noqa: S101 (login_required)
        try:
            if not rights(request.user.pk).business:
                raise PermissionDenied(CLOSED)
            insight = do(request.user, get_object_or_404(Insight, pk=pk))
        except PermissionDenied as reason:
            return JsonResponse({"reason": str(reason)}, status=403)
        except Refused as reason:
            return JsonResponse({"reason": str(reason)}, status=409)
        return JsonResponse({"state": insight.state, "outcome": insight.outcome})

    return pressed


dismiss = _button(lambda actor, insight: insight_dismiss(actor=actor, insight=insight, now=timezone.now()))
restore = _button(lambda actor, insight: insight_restore(actor=actor, insight=insight))
act = _button(lambda actor, insight: insight_act(actor=actor, insight=insight, now=timezone.now()))
