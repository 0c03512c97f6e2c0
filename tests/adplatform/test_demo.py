"""Demo logins are made once, with passwords that are nowhere in the code, and keep working."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from adplatform.demo import ensure_logins
from adplatform.learning import registry
from adplatform.management.commands.prepare_demo import never_alike, never_tried, not_known, not_looked_at, not_tried
from adplatform.models import Experiment, ExperimentReading, ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _groups() -> None:
    call_command("sync_groups", verbosity=0)


def test_each_login_opens_its_account_and_is_the_same_at_the_second_start(tmp_path: Path) -> None:
    kept = tmp_path / "demo-logins.json"
    first = ensure_logins(kept)
    assert ensure_logins(kept) == first
    assert kept.stat().st_mode & 0o077 == 0
    for login in first:
        assert authenticate(username=login["username"], password=login["password"]) is not None


def test_two_installations_have_different_passwords(tmp_path: Path) -> None:
    first = ensure_logins(tmp_path / "one.json")
    second = ensure_logins(tmp_path / "two.json")
    assert {login["password"] for login in first}.isdisjoint(login["password"] for login in second)


def test_only_the_administrator_is_a_superuser(tmp_path: Path) -> None:
    ensure_logins(tmp_path / "demo-logins.json")
    assert list(User.objects.filter(is_superuser=True).values_list("username", flat=True)) == ["admin"]


def test_a_model_that_was_refused_for_lack_of_data_does_not_keep_the_history_from_being_written() -> None:
    still = not_known("ctr")
    registry.register(kind="ctr", estimator="prior", status=ModelVersion.Status.REFUSED, verdict="Refused: not enough data")
    assert still()
    registry.register(kind="ctr", estimator="prior", status=ModelVersion.Status.REFUSED, verdict="Refused: worse", train_rows=5000)
    assert not still()


def test_a_kind_is_tried_at_the_first_start_alone_and_one_that_no_room_has_is_not() -> None:
    due = never_tried("churn")
    assert due()
    registry.register(kind="churn", estimator="prior", status=ModelVersion.Status.REFUSED, verdict="Refused: not enough data")
    assert not due()
    assert not never_tried("nosuch")()


def test_experiments_that_staff_stopped_are_not_begun_again() -> None:
    assert not_tried()
    call_command("start_trials", verbosity=0, stdout=io.StringIO())
    Experiment.objects.update(state="stopped")
    assert not not_tried()


def test_alike_arms_begin_with_the_history_and_are_looked_at_once_it_is_written() -> None:
    assert never_alike()
    assert not not_looked_at()
    call_command("start_trials", only="same", at="2026-11-14T00:00:00Z", stdout=io.StringIO())
    experiment = Experiment.objects.get()
    assert (experiment.key, experiment.started_at) == ("same", datetime(2026, 11, 14, tzinfo=UTC))
    assert not never_alike()
    assert not_looked_at()
    ExperimentReading.objects.create(experiment=experiment, at=datetime(2026, 11, 15, tzinfo=UTC), metric="rating", units=0, control_units=0)
    assert not not_looked_at()


def test_alike_arms_do_not_begin_after_the_history() -> None:
    registry.register(kind="engagement", estimator="prior", status=ModelVersion.Status.REFUSED, verdict="Refused: worse", train_rows=5000)
    assert not never_alike()
