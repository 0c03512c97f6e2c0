"""The pages on experiments, and what their charts fetch."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from adplatform.experiments.metrics import UnknownMetric
from adplatform.models import Experiment
from insights.live.permissions import Rights, rights
from insights.live.views import live_page

from .ribbon import ribbon
from .stream import key_of

CHANGE, ADD = "adplatform.change_experiment", "adplatform.add_experiment"


@live_page()
def experiments_page(request: HttpRequest, *, rights: Rights) -> HttpResponse:
    adds = request.user.is_staff and request.user.has_perm(ADD)
    return render(request, "insights/live_experiments.html", {"rights": rights, "adds": adds})


@live_page()
def experiment_page(request: HttpRequest, key: str, *, rights: Rights) -> HttpResponse:
    experiment = get_object_or_404(Experiment, key=_named(key))
    may_change = request.user.has_perm(CHANGE)
    return render(request, "insights/live_experiment.html", {"rights": rights, "experiment": experiment, "may_change": may_change})


@require_safe
@never_cache
def ribbon_json(request: HttpRequest, key: str) -> HttpResponse:
    """The looks at ``?metric=`` of one experiment."""
    if not request.user.is_authenticated:
        return JsonResponse({"problem": "signed_out"}, status=401)
    if not rights(request.user.pk).business:
        return JsonResponse({"problem": "not_allowed"}, status=403)
    experiment = get_object_or_404(Experiment, key=_named(key))
    metric = request.GET.get("metric", experiment.metric)
    try:
        return JsonResponse(ribbon(experiment, _named(metric)))
    except UnknownMetric as reason:
        return JsonResponse({"problem": "no_such_metric", "reason": str(reason)}, status=400)


def _named(text: str) -> str:
    """Anything may stand in an address. Raises Http404."""
    try:
        return key_of(text)
    except ValueError as reason:
        raise Http404(str(reason)) from reason
