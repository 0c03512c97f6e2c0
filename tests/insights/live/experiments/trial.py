"""An experiment whose units watched films to the end or not, as events, so that it can be read and added up by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from adplatform.eventlog import ids
from adplatform.experiments.readout import experiment_read
from adplatform.models import Assignment, Experiment
from engagement.models import PlaybackEvent
from tests.adplatform.experiments.units import NOW, START, expose, running

EVERY = timedelta(hours=12)


def ended(sessions: Sequence[Assignment], every: int) -> None:
    """One session of ``every`` saw the end of its film."""
    rows = []
    for one in sessions[::every]:
        at = one.exposed_at + timedelta(minutes=5)
        key = ids.new_id(at)
        rows.append(
            PlaybackEvent(
                id=key, day=ids.day_of(key), type="playback.end", occurred_at=at, received_at=at, session=one.session, viewer=one.unit, data={}
            )
        )
    PlaybackEvent.objects.bulk_create(rows)


def watched(**fields: object) -> Experiment:
    """150 units in the control, of which every third saw the end, and 150 bolder ones, of which every second; read every twelve hours
    of the two days, a third of them exposed in each of the first three halves of a day."""
    experiment = running(
        **({"metric": "film_completion", "metrics": ["complaints"], "guardrails": [{"metric": "film_completion", "worst": 0.1}]} | fields)
    )
    for part in range(3):
        control = expose(experiment, ["control"] * 50, at=START + part * EVERY, first=part * 1_000)
        bolder = expose(experiment, ["bolder"] * 50, at=START + part * EVERY, first=part * 1_000 + 500)
        ended(control, 3)
        ended(bolder, 2)
    return experiment


def looks(experiment: Experiment, until: datetime = NOW) -> None:
    at = START + EVERY
    while at <= until:
        experiment_read(experiment=experiment, now=at)
        at += EVERY


def looked_at_once(key: str) -> Experiment:
    experiment = running(key=key, metric="film_completion", guardrails=[{"metric": "complaints", "worst": 0.1}])
    expose(experiment, ["control", "bolder"])
    experiment_read(experiment=experiment, now=NOW)
    return experiment
