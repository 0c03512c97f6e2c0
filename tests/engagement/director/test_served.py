"""What the engagement model predicted when scenes began stands beside what was then watched, once the session is over."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from adplatform.eventlog import ids
from adplatform.learning import drift, monitoring, registry
from adplatform.models import ModelReading, ModelVersion
from engagement.director import dataset, served
from engagement.director.features import SCHEMA
from engagement.models import DirectorDecision, PlaybackEvent
from tests.adplatform.learning.test_registry import make_version

from .test_training import NOW, write_sessions

pytestmark = pytest.mark.django_db
FIRST = NOW - timedelta(days=4)


def decide(version: int, *, promised: float, late: float = 0.4) -> int:
    """A decision at each start of a scene, as the Director would log it; returns how many."""
    rows = dataset.load(NOW)
    made = []
    for features, at, session in zip(rows.features, rows.at, rows.session, strict=True):
        when = FIRST + timedelta(seconds=float(at) - FIRST.timestamp() + late)
        logged = {name: None if np.isnan(value) else round(float(value), 4) for name, value in zip(SCHEMA.names, features, strict=True)}
        made.append(
            DirectorDecision(id=ids.new_id(when), session=session, title=1, decided_at=when, action="keep", reason="", engagement=promised,
                             features=logged, model_version=version)
        )  # fmt: skip
    DirectorDecision.objects.bulk_create(made)
    return len(made)


def test_each_start_has_the_label_that_training_would_give_it_and_none_while_the_session_goes_on() -> None:
    write_sessions(40)
    count = decide(7, promised=0.5)
    rows = dataset.load(NOW)
    found = served.load(since=FIRST, until=NOW, as_of=NOW, most=10_000)
    assert len(found) == count == len(rows)
    assert np.array_equal(found.labels, rows.labels)
    assert np.allclose(found.features, rows.features, atol=1e-4, equal_nan=True)
    DirectorDecision.objects.update(leave_risk=0.1, leave_version=3)
    leaving, told = served.load_leaving(since=FIRST, until=NOW, as_of=NOW, most=10_000), dataset.load_leaving(NOW)
    assert told.keys is not None
    starts = told.take(np.char.endswith(told.keys, "/0"))
    assert (len(leaving), set(leaving.version), set(leaving.scores)) == (count, {3}, {0.1})
    assert np.array_equal(leaving.labels, starts.labels)
    assert 0 < leaving.labels.mean() < 1
    last = PlaybackEvent.objects.latest("occurred_at")
    during = served.load(since=FIRST, until=NOW, as_of=last.occurred_at + timedelta(minutes=5), most=10_000)
    open_ = np.isnan(during.labels)
    assert set(during.session[open_]) == {str(last.session)}
    # A drop in attention within a scene is decided too, and is no row.
    DirectorDecision.objects.update(decided_at=FIRST + timedelta(days=3))
    assert len(served.load(since=FIRST, until=NOW, as_of=NOW, most=10_000)) == 0


def test_a_model_that_promises_too_much_is_told_of_the_day() -> None:
    write_sessions(140)
    version = make_version(1.0, kind="engagement")
    rows = dataset.load(NOW)
    kept = drift.reference(rows.features, np.full(len(rows), 1.0), SCHEMA, at=rows.at, session=rows.session)
    ModelVersion.objects.filter(pk=version.pk).update(card={"reference": kept}, trained_at=FIRST - timedelta(days=1))
    registry.promote(version)
    decide(version.number, promised=1.0)
    monitoring.monitor("engagement", as_of=NOW - timedelta(days=2, hours=11, minutes=30))
    bias = ModelReading.objects.get(
        measure="bias", window_from=NOW.replace(hour=0) - timedelta(days=3), window_to=NOW.replace(hour=0) - timedelta(days=2)
    )
    assert bias.alarm, bias.words
    assert "it predicts too much" in bias.words
    assert not ModelReading.objects.filter(measure="replay").exists()
