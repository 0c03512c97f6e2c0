"""The experiments that a fresh installation begins with: what the Director is worth, and what care for viewers at risk is worth; and one of
arms that are alike, for the demo's history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from adplatform.experiments.services import experiment_start
from adplatform.models import Experiment

READ_BESIDE = ["film_completion", "minutes_watched", "revenue_per_session", "return_1_day", "return_7_days", "rating"]
# Lighter ads cost revenue by intent: how much of it the care may give away is wider.
TRIALS: dict[str, dict[str, Any]] = {
    "director": {
        "description": "The Director against the author's order: who is in the control group sees every film as it was edited.",
        "arms": [{"name": "control", "share": 0.2}, {"name": "director", "share": 0.8}],
        "metric": "engagement",
        "metrics": ["next_scene", *READ_BESIDE],
        "guardrails": [
            {"metric": "rebuffering", "worst": 0.2},
            {"metric": "complaints", "worst": 0.2},
            {"metric": "revenue_per_session", "worst": 0.1},
        ],
    },
    "care": {
        "description": "Viewers who are likely not to come back get fewer seconds of ads; the control group gets what everybody gets.",
        "arms": [{"name": "control", "share": 0.5}, {"name": "care", "share": 0.5}],
        "metric": "return_7_days",
        "metrics": ["engagement", *[name for name in READ_BESIDE if name != "return_7_days"]],
        "guardrails": [
            {"metric": "rebuffering", "worst": 0.2},
            {"metric": "complaints", "worst": 0.2},
            {"metric": "revenue_per_session", "worst": 0.25},
        ],
    },
    "same": {
        "description": "Nothing is tried: both arms get the same. What chance alone does to the figures, and a check of what measures them.",
        "arms": [{"name": "control", "share": 0.5}, {"name": "the same", "share": 0.5}],
        "metric": "minutes_watched",
        "metrics": ["film_completion", "revenue_per_session", "rating"],
        "guardrails": [{"metric": "film_completion", "worst": 0.2}],
    },
}
FIRST = ("director", "care")


def trial_start(*, actor: AbstractBaseUser, key: str, now: datetime) -> bool:
    """Draft and start one of `TRIALS`; whether this call did. One of that key that is there already, in whatever state and
    however changed, stays as it is. Raises KeyError for another key."""
    with transaction.atomic():
        experiment, made = Experiment.objects.get_or_create(key=key, defaults=TRIALS[key])
        if made:
            LogEntry.objects.log_actions(actor.pk, [experiment], ADDITION, change_message="drafted by itself", single_object=True)
            experiment_start(actor=actor, experiment=experiment, now=now)
    return made
