"""The buttons of an experiment: start, stop, roll out, take back. Each is the service that the admin calls, and audited by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from adplatform.experiments.services import UnknownArm, WrongState, experiment_roll_out, experiment_start, experiment_stop
from adplatform.models import Experiment
from insights.live.permissions import rights
from insights.live.views import CLOSED

from .pages import CHANGE, _named

NO_ARM = "(none named)"
REFUSED = "Only those who may change experiments do this; ask an ad-ops lead."


def action(service: Callable[..., None], done: str, arm_of: Callable[[HttpRequest], dict[str, str]] = lambda _: {}) -> Callable[..., HttpResponse]:
    """A button: POST, for those who see the page and may change experiments. What is wrong is said in a sentence on the page."""

    @require_POST
    @login_required
    def view(request: HttpRequest, key: str) -> HttpResponse:
        if not rights(request.user.pk).business:
            raise PermissionDenied(CLOSED)
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied(REFUSED)
        experiment = get_object_or_404(Experiment, key=_named(key))
        arm = arm_of(request)
        try:
            _do(service, experiment, request, arm)
        except (WrongState, UnknownArm, ValidationError) as error:
            messages.error(request, f"Nothing was changed: {' '.join(getattr(error, 'messages', [str(error)]))}.")
        else:
            messages.success(request, done.format(key=experiment.key, **arm))
        return redirect("live-experiment", key=experiment.key)

    return view


def _do(service: Callable[..., None], experiment: Experiment, request: HttpRequest, arm: dict[str, str]) -> None:
    """Raises WrongState where the experiment is no longer in the state that the page showed."""
    with transaction.atomic():
        now_in = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if request.POST.get("seen") != state_of(now_in):
            raise WrongState(f"{experiment.key} {in_words(now_in)} meanwhile; look at it again")
        service(actor=request.user, experiment=now_in, now=datetime.now(UTC), **arm)


def state_of(experiment: Experiment) -> str:
    """What a button was pressed upon: whoever presses one for another state did not see what it would do."""
    return f"{experiment.state}:{experiment.rolled_out}"


def in_words(experiment: Experiment) -> str:
    if experiment.rolled_out:
        return f"gives everybody {experiment.rolled_out}"
    return {"running": "was started", "stopped": "was stopped"}.get(experiment.state, "was changed")


start = action(experiment_start, "{key} runs.")
stop = action(experiment_stop, "{key} is stopped.")
# Taking back is the button of its own: without a name of an arm this one is refused.
roll_out = action(experiment_roll_out, "{key} gives everybody {arm}.", lambda request: {"arm": request.POST.get("arm") or NO_ARM})
take_back = action(experiment_roll_out, "{key} gives nobody an arm.", lambda _: {"arm": ""})
