"""``manage.py experiment``: the life of an experiment from a shell."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command

from adplatform.experiments.tasks import read_experiments
from adplatform.models import Experiment
from tests.adplatform.experiments.units import HALVES, running

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("experiment", *arguments, stdout=out)
    return out.getvalue()


def test_an_experiment_lives_from_draft_to_its_roll_out() -> None:
    experiment = Experiment.objects.create(key="pacing", arms=HALVES)
    with pytest.raises(CommandError, match="Name the metric"):
        run("start", "pacing")
    Experiment.objects.update(metric="click_rate")
    assert run("start", "pacing") == "pacing: running\n"
    with pytest.raises(CommandError, match="pacing is not draft"):
        run("start", "pacing")
    assert "not enough evidence yet: this arm has 0 of at least 100 units" in run("read", "pacing")
    assert json.loads(run("read", "pacing", "--json"))["readings"][1]["metric"] == "click_rate"
    assert read_experiments().keys() == {"pacing"}
    with pytest.raises(CommandError, match="it has control, bolder"):
        run("rollout", "pacing", "boldest")
    told = run("rollout", "pacing", "bolder").splitlines()
    assert told[0] == "pacing: stopped, everybody gets bolder"
    assert told[1].startswith("What it had shown: ")
    assert told[2] == "To take it back: manage.py experiment takeback pacing"
    assert "everybody gets bolder" in run("list")
    with pytest.raises(CommandError, match="gives everybody bolder already"):
        run("rollout", "pacing", "bolder")
    assert json.loads(run("list", "--json"))["experiments"][0]["rolled_out"] == "bolder"
    assert {entry.user.get_username() for entry in LogEntry.objects.all()} == {"system"}
    assert read_experiments() == {}
    assert run("takeback", "pacing") == "pacing: stopped\n"
    experiment.refresh_from_db()
    assert experiment.stopped_at is not None


def test_what_it_cannot_do_is_said() -> None:
    running()
    for arguments, words in (
        (("read",), "there are: pacing"),
        (("start", "pac\0ing"), "there are: pacing"),
        (("rollout", "pacing"), "name the arm"),
        (("stop", "pacing", "--as", "nobody"), "no user"),
    ):
        with pytest.raises(CommandError, match=words):
            run(*arguments)


def test_a_list_of_none_says_so() -> None:
    assert run("list") == "no experiments\n"
