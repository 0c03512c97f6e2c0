"""A fresh installation measures its Director and its care; what staff made of the experiments stays."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from adplatform.audit import system_actor
from adplatform.experiments import selectors
from adplatform.models import Experiment
from engagement.trials import TRIALS, trial_start
from tests.adplatform.experiments.units import NOW

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", list(TRIALS))
def test_a_trial_is_started_once_and_audited(key: str) -> None:
    assert trial_start(actor=system_actor(), key=key, now=NOW)
    assert not trial_start(actor=system_actor(), key=key, now=NOW)
    experiment = Experiment.objects.get(key=key)
    assert (experiment.state, experiment.started_at, experiment.arms[0]["name"]) == ("running", NOW, "control")
    assert LogEntry.objects.filter(object_id=str(experiment.pk)).count() == 2
    selectors.forget()


def test_a_trial_that_staff_changed_or_stopped_is_left_alone() -> None:
    Experiment.objects.create(key="director", state="stopped", arms=TRIALS["director"]["arms"], description="ours")
    assert not trial_start(actor=system_actor(), key="director", now=NOW)
    assert Experiment.objects.get().description == "ours"
