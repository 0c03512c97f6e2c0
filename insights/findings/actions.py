"""What a button of a finding may do: each an existing service, with the right it takes and the sentence that says what will happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError

from adplatform.eventlog.dead import dead_events_retry
from adplatform.eventlog.stream import LogUnavailable
from adplatform.experiments import services as experiments
from adplatform.experiments.services import experiment_roll_out, experiment_stop
from adplatform.learning.predictor import ArtifactRefused
from adplatform.learning.registry import NotPromotable
from adplatform.learning.services import model_rollback, model_train
from adplatform.models import DeadEvent, Experiment
from ads import services as selling
from ads.models import Ad, Flight
from ads.services import ad_reject, row_update

Params = Mapping[str, Any]


class CannotAct(Exception):
    """What was to be done cannot be done now; the message says why and what to do."""


REFUSALS = (
    selling.WrongState, experiments.WrongState, experiments.UnknownArm, NotPromotable, ArtifactRefused, LogUnavailable, ObjectDoesNotExist,
    PermissionDenied, CannotAct,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Doing:
    """``button`` names it, ``says`` what will happen exactly, ``permission`` is the actor's own. ``do`` returns what was done, in words."""

    button: str
    permission: str
    says: Callable[[str, Params], str]
    do: Callable[[User, Params, datetime], str]


def _flight_priority(actor: User, params: Params, _: datetime) -> str:
    flight = Flight.objects.get(pk=params["flight"])
    if flight.priority != params["from"]:
        raise CannotAct(f"{flight} has priority {flight.priority} by now, no longer {params['from']}; look at its forecast again")
    row_update(actor=actor, row=flight, changes={"priority": params["to"]})
    return f"Priority of {flight} raised from {params['from']} to {params['to']}"


def _ad_reject(actor: User, params: Params, _: datetime) -> str:
    ad = Ad.objects.select_related("flight").get(pk=params["ad"])
    if not Ad.objects.filter(flight=ad.flight, review=Ad.Review.APPROVED).exclude(pk=ad.pk).exists():
        raise CannotAct(f"{ad} is the only approved ad of {ad.flight} by now; without it the flight would stand still")
    ad_reject(actor=actor, ad=ad, note=f"Viewers are tired of it; the other ads of {ad.flight} go on."[:300])
    return f"{ad} no longer serves; the other ads of {ad.flight} go on"


def _model_train(actor: User, params: Params, _: datetime) -> str:
    run = model_train(actor=actor, kind=params["kind"])
    return f"Training of the {params['kind']} model is queued as {run.key}"


def _model_rollback(actor: User, params: Params, _: datetime) -> str:
    return f"{model_rollback(actor=actor, kind=params['kind'], serving=params['number'])} serves again"


def _experiment_stop(actor: User, params: Params, now: datetime) -> str:
    experiment = Experiment.objects.get(pk=params["experiment"])
    experiment_stop(actor=actor, experiment=experiment, now=now)
    return f"{experiment} is stopped"


def _experiment_roll_out(actor: User, params: Params, now: datetime) -> str:
    experiment = Experiment.objects.get(pk=params["experiment"])
    experiment_roll_out(actor=actor, experiment=experiment, arm=params["arm"], now=now)
    return f"Everybody gets {params['arm']} of {experiment} from now on"


def _dead_events_retry(actor: User, _: Params, __: datetime) -> str:
    waiting = DeadEvent.objects.all()
    LogEntry.objects.log_actions(actor.pk, list(waiting), CHANGE, change_message="sent again")
    return f"{dead_events_retry(dead=waiting):,} events sent again; those that fail once more come back"


DOINGS: dict[str, Doing] = {
    "flight_priority": Doing(
        "Raise its priority", "ads.change_flight",
        lambda subject, params: f"The priority of {subject} is set from {params['from']} to {params['to']} at once: within its tier it serves before "
        "flights of a larger number, which then deliver less.", _flight_priority,
    ),
    "ad_reject": Doing(
        "Take it out", "ads.approve_ad",
        lambda subject, _: f"{subject} is marked rejected and stops serving at once; the other approved ads of its flight take its place. "
        "Approve it again to bring it back.", _ad_reject,
    ),
    "model_train": Doing(
        "Train it now", "adplatform.change_modelversion",
        lambda _, params: f"A training of the {params['kind']} model is queued. It serves only if its gates let it.", _model_train,
    ),
    "model_rollback": Doing(
        "Roll it back", "adplatform.change_modelversion",
        lambda subject, params: f"The version before {subject} serves all {params['kind']} predictions again, at once.", _model_rollback,
    ),
    "experiment_stop": Doing(
        "Stop it", "adplatform.change_experiment",
        lambda subject, _: f"The experiment {subject} stops at once and never starts again; everybody gets the control.", _experiment_stop,
    ),
    "experiment_roll_out": Doing(
        "Roll it out", "adplatform.change_experiment",
        lambda subject, params: f"The experiment {subject} ends and everybody gets {params['arm']} from now on. It can be taken back on its page.",
        _experiment_roll_out,
    ),
    "dead_events_retry": Doing(
        "Send them again", "adplatform.change_deadevent",
        lambda _, __: "All events that could not be stored are put back into the log and taken in anew. Each counts once.", _dead_events_retry,
    ),
}  # fmt: skip


def sentence(error: Exception) -> str:
    """A refusal as a sentence for who pressed the button."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, ObjectDoesNotExist):
        return "What it is about is no longer there."
    return str(error)
