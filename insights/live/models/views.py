"""The page of the models, what it fetches when somebody looks closer, and what may be done to a model from it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from adplatform.learning import training
from adplatform.learning.card.explain import CannotExplain
from adplatform.learning.estimators import UnknownEstimator
from adplatform.learning.monitoring.readings import DAY, HOUR
from adplatform.learning.predictor import ArtifactRefused
from adplatform.learning.registry import NotPromotable
from adplatform.learning.services import model_rollback, model_stop, model_train
from adplatform.models import ModelVersion
from insights.live.permissions import Rights, rights
from insights.live.views import CLOSED, live_page

from . import card, explorer, health
from .stream import MODELS

CHANGES = "adplatform.change_modelversion"
MAY_NOT = "Only who may change models does that; ask an administrator for the group."
# A card under its mark never changes; the reader's own browser keeps it.
KEPT = "private, max-age=31536000, immutable"
View = Callable[..., HttpResponse]


@live_page("business")
def page(request: HttpRequest, *, rights: Rights) -> HttpResponse:
    context = {
        "currency": settings.CURRENCY,
        "login_url": settings.LOGIN_URL,
        "rights": rights,
        "stream": MODELS.name,
        "may_change": request.user.has_perm(CHANGES),
        "logs": {log: explorer.sees_persons(request.user, log) for log in explorer.READS_ROWS},
    }
    return render(request, "insights/live_models.html", context)


def business_json(view: View) -> View:
    """For those who may watch every figure; others get the reason as JSON. What it answers is nobody else's to keep."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"problem": "signed_out"}, status=401)
        if not rights(request.user.pk).business:
            return JsonResponse({"problem": "not_allowed", "reason": CLOSED}, status=403)
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return guarded


@business_json
def version_json(request: HttpRequest, pk: int) -> HttpResponse:
    """One version's card. ``?mark=`` as the stream told it: while that holds, the browser may keep the answer for good."""
    told = card.card_of(pk)
    if told is None:
        return _gone("There is no such version of a model.")
    kept = card.final(told, request.GET.get("mark", ""))
    return JsonResponse(told, headers={"Cache-Control": KEPT} if kept else {})


@business_json
def health_json(request: HttpRequest, kind: str) -> HttpResponse:
    """What monitoring read of a kind, by hour or by day (``?span=``)."""
    span = request.GET.get("span", HOUR)
    if span not in (HOUR, DAY):
        return JsonResponse({"problem": "unreadable", "reason": f"{span[:40]!r} is no length of a window; choose hour or day"}, status=400)
    return JsonResponse(health.over_time(kind, span, timezone.now()))


@business_json
def decisions_json(request: HttpRequest) -> HttpResponse:
    """Decisions, newest first: ``?log=ads|director``, ``q`` an id or a flight, ``before`` to go on from."""
    asked = [request.GET.get(name, "") for name in ("log", "q", "before")]
    try:
        return JsonResponse(explorer.found(explorer.read(*asked), request.user))
    except explorer.CannotSearch as reason:
        return JsonResponse({"problem": "unreadable", "reason": str(reason)}, status=400)
    except explorer.NotForYou as reason:
        return JsonResponse({"problem": "not_allowed", "reason": str(reason)}, status=403)


@business_json
def decision_json(request: HttpRequest, log: str, pk: uuid.UUID) -> HttpResponse:
    told = explorer.told(log, pk, request.user) if log in explorer.READS_ROWS else None
    return _gone("There is no such decision; it may be older than what is kept.") if told is None else JsonResponse(told)


@business_json
def explain_json(request: HttpRequest, pk: int) -> HttpResponse:
    """What each column added to one prediction: ``?row=`` is a decision and a slot, as on its page."""
    version = ModelVersion.objects.filter(pk=pk).first()
    if version is None:
        return _gone("There is no such version of a model.")
    try:
        return JsonResponse(explorer.taken_apart(version, request.GET.get("row", "")[:80], request.user))
    except CannotExplain as reason:
        return JsonResponse({"problem": "cannot_explain", "reason": str(reason)}, status=409)


def _gone(reason: str) -> HttpResponse:
    return JsonResponse({"problem": "not_there", "reason": reason}, status=404)


def changes_models(view: View) -> View:
    """A button of the page: for those who may change models, back to the kind it was about with what came of it in words."""

    @require_POST
    @never_cache
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, kind: str) -> HttpResponse:
        if not rights(request.user.pk).business or not request.user.has_perm(CHANGES):
            raise PermissionDenied(MAY_NOT)
        try:
            messages.success(request, str(view(request, kind)))
        except (NotPromotable, ArtifactRefused, UnknownEstimator, training.UnknownKind) as reason:
            messages.error(request, f"Nothing was changed: {reason}.")
        return redirect(f"{reverse('live-models')}?{urlencode({'kind': kind})}")

    return guarded


@changes_models
def roll_back(request: HttpRequest, kind: str) -> Any:
    serving = request.POST.get("serving", "")
    if not (serving.isascii() and serving.isdigit()):
        raise NotPromotable("the form does not say which version it rolls back; load the page again")
    version = model_rollback(actor=request.user, kind=kind, serving=int(serving))  # type: ignore[arg-type]
    return f"{version} serves again."


@changes_models
def stop_test(request: HttpRequest, kind: str) -> Any:
    version = model_stop(actor=request.user, kind=kind, now=timezone.now())  # type: ignore[arg-type]
    return f"{version} is out of the rollout; the champion answers all."


@changes_models
def train(request: HttpRequest, kind: str) -> Any:
    run = model_train(actor=request.user, kind=kind, estimator=request.POST.get("estimator") or None)  # type: ignore[arg-type]
    return f"A training of {run.kind} by {run.estimator.replace('_', ' ')} is queued; its row shows how far it is."
