"""Arms stick to their unit, follow their shares, and are written down at the first exposure only."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import consumer, stream
from adplatform.experiments import selectors
from adplatform.experiments.assignment import Arm, RunningExperiment, arm_of, arms_of, exposure, parse_arms, unit_of
from adplatform.experiments.services import UnknownArm, WrongState, experiment_roll_out, experiment_start, experiment_stop
from adplatform.models import Assignment, DeadEvent, Experiment

NOW = datetime.now(UTC)
HALVES = [{"name": "control", "share": 0.5}, {"name": "bolder", "share": 0.5}]
PACING = RunningExperiment("pacing", parse_arms(HALVES))


@pytest.fixture
def actor() -> AbstractBaseUser:
    return get_user_model().objects.create_user("lead")


@given(st.uuids())
def test_an_arm_sticks_to_its_unit(unit: uuid.UUID) -> None:
    assert arm_of(PACING, unit) == arm_of(RunningExperiment("pacing", parse_arms(HALVES)), unit) in {"control", "bolder"}


def test_arms_take_their_share_and_the_rest_stays_outside() -> None:
    thirds = RunningExperiment("thirds", (Arm("a", 0.2), Arm("b", 0.3)))
    found = [arm_of(thirds, uuid.UUID(int=number)) for number in range(20_000)]
    assert abs(found.count("a") / 20_000 - 0.2) < 0.015
    assert abs(found.count("b") / 20_000 - 0.3) < 0.015
    assert abs(found.count(None) / 20_000 - 0.5) < 0.015


def test_two_experiments_split_people_independently() -> None:
    other = RunningExperiment("other", PACING.arms)
    both = [arms_of([PACING, other], uuid.UUID(int=number)) for number in range(10_000)]
    assert abs(sum(arms["pacing"] == arms["other"] for arms in both) / 10_000 - 0.5) < 0.02


def test_without_consent_the_session_is_hashed_and_not_the_viewer() -> None:
    viewer, session = uuid.UUID(int=1), uuid.UUID(int=2)
    assert unit_of(viewer=viewer, session=session, consent=True) == viewer
    assert unit_of(viewer=viewer, session=session, consent=False) == session
    assert unit_of(viewer=None, session=session, consent=True) == session


@pytest.mark.parametrize(
    "arms",
    [
        None, [], HALVES[:1], [HALVES[0], HALVES[0]], [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.7}],
        [{"name": "", "share": 0.5}, HALVES[0]], [{"name": "a", "share": 0}, HALVES[0]], [{"name": "a"}, HALVES[0]], ["a", "b"],
    ],
)  # fmt: skip
def test_arms_that_cannot_be_assigned_are_refused(arms: Any) -> None:
    with pytest.raises(ValueError, match=r"arm|share"):
        parse_arms(arms)


@pytest.mark.django_db
def test_the_first_exposure_of_a_session_becomes_its_assignment_and_no_later_one() -> None:
    experiment = Experiment.objects.create(key="pacing", arms=HALVES, state="running")
    session, unit = uuid.UUID(int=3), uuid.UUID(int=4)
    first = exposure(experiment="pacing", arm="control", session=session, unit=unit, now=NOW)
    second = exposure(experiment="pacing", arm="bolder", session=session, unit=unit, now=NOW + timedelta(seconds=1))
    stream.append([first, second, first])
    consumer.drain()
    stream.append([second])
    consumer.drain()
    row = Assignment.objects.get()
    assert (row.experiment, row.session, row.unit, row.arm, row.exposed_at) == (experiment, session, unit, "control", NOW)


@pytest.mark.django_db
def test_an_exposure_to_an_unknown_experiment_is_kept_as_dead() -> None:
    stream.append([exposure(experiment="ghost", arm="control", session=uuid.UUID(int=3), unit=uuid.UUID(int=4), now=NOW)])
    consumer.drain()
    assert DeadEvent.objects.get().reason == "LookupError: no experiment ghost"


@pytest.mark.django_db
def test_an_experiment_starts_once_stops_once_and_never_starts_again(actor: AbstractBaseUser) -> None:
    experiment = Experiment.objects.create(key="pacing", arms=HALVES, metric="click_rate")
    selectors.forget()
    assert selectors.running_experiments() == ()
    experiment_start(actor=actor, experiment=experiment, now=NOW)
    selectors.forget()
    assert selectors.running_experiments() == (PACING,)
    with pytest.raises(WrongState):
        experiment_start(actor=actor, experiment=experiment, now=NOW)
    experiment_stop(actor=actor, experiment=experiment, now=NOW)
    with pytest.raises(WrongState):
        experiment_start(actor=actor, experiment=experiment, now=NOW)
    selectors.forget()
    assert selectors.running_experiments() == ()


@pytest.mark.django_db
def test_a_rolled_out_arm_is_everybodys_and_no_exposure_any_more(actor: AbstractBaseUser) -> None:
    narrow = [{"name": "control", "share": 0.1}, {"name": "bolder", "share": 0.1}]
    experiment = Experiment.objects.create(key="pacing", arms=narrow, metric="click_rate")
    with pytest.raises(WrongState):
        experiment_roll_out(actor=actor, experiment=experiment, arm="bolder", now=NOW)
    experiment_start(actor=actor, experiment=experiment, now=NOW)
    with pytest.raises(UnknownArm, match="it has control, bolder"):
        experiment_roll_out(actor=actor, experiment=experiment, arm="bold", now=NOW)
    experiment_roll_out(actor=actor, experiment=experiment, arm="bolder", now=NOW + timedelta(days=1))
    assert (experiment.state, experiment.rolled_out, experiment.stopped_at) == ("stopped", "bolder", NOW + timedelta(days=1))
    selectors.forget()
    everybody = [arms_of(selectors.running_experiments(), uuid.UUID(int=number)) for number in range(100)]
    assert everybody == [{"pacing": "bolder"}] * 100
    assert selectors.measured({"pacing": "bolder"}) == {}
    experiment_roll_out(actor=actor, experiment=experiment, arm="", now=NOW)
    selectors.forget()
    assert selectors.running_experiments() == ()


@pytest.mark.django_db
def test_an_exposure_from_after_the_end_is_of_no_run() -> None:
    Experiment.objects.create(key="pacing", arms=HALVES, state="stopped", started_at=NOW, stopped_at=NOW + timedelta(minutes=1))
    for minutes in (0, 1):
        at = NOW + timedelta(minutes=minutes)
        stream.append([exposure(experiment="pacing", arm="control", session=uuid.uuid4(), unit=uuid.UUID(int=4), now=at)])
    consumer.drain()
    assert [row.exposed_at for row in Assignment.objects.all()] == [NOW]
