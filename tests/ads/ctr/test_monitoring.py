"""A model that serves is watched: a calm log is left alone, a shift is an alarm in words, and one alarm is one training."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from adplatform.learning import monitoring, registry, tasks
from adplatform.learning.monitoring import retrain
from adplatform.learning.monitoring.served import Checks, Served
from adplatform.learning.monitoring.served import _checks as watched_checks
from adplatform.models import ModelReading, ModelVersion, TrainingRun
from ads.ctr import served
from ads.models import AdEvent, Decision
from tests.adplatform.learning.test_registry import make_version

from .watched import serve, trained
from .world import World

MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
HOUR, SOON = timedelta(hours=1), timedelta(minutes=7)
SESSIONS = 60
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The queue takes runs and nobody executes them."""
    sent: list[int] = []
    # This log has no counters from which its features could be computed again.
    monkeypatch.setitem(watched_checks, "ctr", Checks(served.LOADS["ctr"]))
    monkeypatch.setattr(tasks.execute_run, "delay", sent.append)
    return sent


def read(first: int, last: int) -> list[ModelReading]:
    """The hours of the day from ``first`` up to ``last``, each as the hourly task would when it is over."""
    return [one for hour in range(first + 1, last + 1) for one in monitoring.monitor("ctr", as_of=MIDNIGHT + HOUR * hour + SOON)]


def load(hour: int, *, as_of: datetime | None = None, most: int = 10_000) -> Served:
    since = MIDNIGHT + HOUR * hour
    return served.LOADS["ctr"](since=since, until=since + HOUR, as_of=as_of or since + 3 * HOUR, most=most)


def alarms_of(version: ModelVersion) -> list[str]:
    return sorted({f"{one.measure} {one.subject}".strip() for one in ModelReading.objects.filter(version=version, alarm=True)})


def test_calm_hours_are_left_alone_and_a_shift_of_devices_asks_for_one_training() -> None:
    world = World.of(3)
    champion = trained(world, until=MIDNIGHT, days=3, sessions=40)
    serve(world, champion, since=MIDNIGHT, hours=4, sessions=SESSIONS)
    found = read(0, 5)
    assert {one.measure for one in found} >= {
        "served_rows", "feature_psi", "score_psi", "calibration", "log_loss", "expected_log_loss", "delayed_log_loss", "loss_change", "replay",
    }  # fmt: skip
    assert not alarms_of(champion)
    assert retrain.retrain_on_alarm("ctr", now=MIDNIGHT + 5 * HOUR) is None

    # Said before the labels were in, and how it turned out, stand together in the log loss of the hour.
    losses = list(ModelReading.objects.filter(measure="log_loss"))
    assert len(losses) == 4
    assert all(one.figures["expected_log_loss"]["held"] for one in losses)
    assert all("foretold" in one.words for one in losses)

    serve(world, champion, since=MIDNIGHT + 5 * HOUR, hours=3, sessions=SESSIONS, mobile=0.97)
    later = MIDNIGHT + 8 * HOUR + SOON
    read(5, 8)
    assert "feature_psi device" in alarms_of(champion)
    asked = [retrain.retrain_on_alarm("ctr", now=moment) for moment in (later, later, later + HOUR)]
    run = TrainingRun.objects.get()
    assert asked == [run, None, None]
    assert (run.estimator, run.kind) == ("hashed_logistic", "ctr")
    assert "device is no longer as in training: tv went from 5" in run.reason or "device is no longer as in training: mobile went from" in run.reason
    # The alarms of a shift that lasts ask again when the pause is over, and only while it lasts.
    assert retrain.retrain_on_alarm("ctr", now=later + retrain.COOL_DOWN + HOUR) is not None
    assert retrain.retrain_on_alarm("ctr", now=later + 2 * retrain.COOL_DOWN + 9 * HOUR) is None

    before = readings()
    ModelReading.objects.filter(measure="served_rows").delete()
    read(7, 8)
    assert readings() == before
    _the_command_prints_what_was_found(later)


def readings() -> list[tuple[Any, ...]]:
    columns = ("version", "measure", "subject", "window_from", "window_to", "value", "alarm", "words")
    hours = ModelReading.objects.filter(window_from__gte=MIDNIGHT + 6 * HOUR)
    return list(hours.order_by(*columns[:5]).values_list(*columns))


def _the_command_prints_what_was_found(as_of: datetime) -> None:
    out = StringIO()
    call_command("monitor", "ctr", "--as-of", as_of.isoformat(), stdout=out)
    assert "ALARM feature_psi device" in out.getvalue()
    assert "readings of features within their bounds are not shown" in out.getvalue()
    out = StringIO()
    call_command("monitor", "ctr", "--as-of", as_of.isoformat(), "--json", stdout=out)
    told = json.loads(out.getvalue())["ctr"]
    assert told["run"] is None
    assert {"measure", "value", "low", "high", "bound", "alarm", "words", "window_from"} <= set(told["readings"][0])


def test_scores_that_cannot_be_had_again_are_an_alarm_and_hold_training_back() -> None:
    champion = make_version(0.1)
    registry.promote(champion)
    ModelVersion.objects.filter(pk=champion.pk).update(trained_at=MIDNIGHT)
    serve(World.of(4), champion, since=MIDNIGHT, hours=2, sessions=100, inflated=3.0)
    read(0, 3)
    assert alarms_of(champion) == ["calibration", "replay"]
    words = ModelReading.objects.filter(measure="replay").latest("window_to").words
    assert words.startswith("Of 200 logged rows 200 (100.0%) do not give the logged score")
    assert retrain.retrain_on_alarm("ctr", now=MIDNIGHT + 3 * HOUR) is None
    ModelReading.objects.filter(measure="replay").delete()
    assert retrain.retrain_on_alarm("ctr", now=MIDNIGHT + 3 * HOUR) is not None


def test_a_shadow_is_read_by_its_own_scores() -> None:
    champion, challenger = make_version(0.1), make_version(0.2)
    registry.promote(champion)
    serve(World.of(4), champion, since=MIDNIGHT, hours=1, sessions=20)
    for decision in Decision.objects.all():
        decision.slots = [{**slot, "shadow": {"version": challenger.number, "pctr": 0.2}} for slot in decision.slots]
        decision.save(update_fields=["slots"])
    rows = load(0)
    assert len(rows.scored_by(champion.number)) == len(rows.scored_by(challenger.number)) == len(rows) == 40
    assert set(rows.scored_by(challenger.number).scores) == {0.2}
    assert np.allclose(rows.scored_by(champion.number).scores, 0.1)


def test_labels_are_open_until_their_window_has_passed_and_what_comes_later_is_not_known_yet() -> None:
    serve(World.of(5), None, since=MIDNIGHT, hours=1, sessions=80)
    clicks = AdEvent.objects.filter(type="ad.click")
    clicked = clicks.count()
    assert clicked > 5
    done, young = load(0), load(0, as_of=MIDNIGHT + timedelta(minutes=40))
    assert np.nansum(done.labels) == done.so_far.sum() == clicked
    assert not np.isnan(done.labels).any()
    assert np.isnan(young.labels).sum() == (young.age < 660).sum() > 0
    assert len(young) < len(done)
    delays = {f"{one.decision}/{one.slot}": one for one in clicks}
    assert sorted(done.delay[~np.isnan(done.delay)]) == pytest.approx(
        sorted((one.received_at - AdEvent.objects.get(decision=one.decision, slot=one.slot, type="ad.impression").occurred_at).total_seconds()
               for one in delays.values())
    )  # fmt: skip
    clicks.update(received_at=MIDNIGHT + 9 * HOUR)
    assert load(0).so_far.sum() == 0


def test_rows_are_the_impressions_that_were_seen_as_in_training() -> None:
    serve(World.of(6), None, since=MIDNIGHT, hours=1, sessions=20)
    AdEvent.objects.filter(type="ad.click").update(valid=False, reason="test")
    shown = list(AdEvent.objects.filter(type="ad.impression").order_by("id"))
    for number, one in enumerate(shown):
        one.ua_hash = "tells" if number < 20 else "silent"
        one.save(update_fields=["ua_hash"])
    for one in shown[:5]:
        one.pk, one.type = one.decision, "ad.viewable"
        one.id = type(one.id)(int=one.id.int ^ (one.slot + 1))
        one.save(force_insert=True)
    assert len(load(0)) == 5 + 20


def test_a_busy_window_is_sampled_by_decision() -> None:
    serve(World.of(7), None, since=MIDNIGHT, hours=1, sessions=300)
    some = load(0, most=150)
    assert 90 <= len(some) <= 220
    assert some.seen_rows == pytest.approx(600, rel=0.4)
    assert np.array_equal(load(0, most=150).features, some.features, equal_nan=True)


def test_a_kind_that_nobody_watches_is_told() -> None:
    with pytest.raises(CommandError, match="choose one of: churn, completion, ctr, director, engagement, leave"):
        call_command("monitor", "weather")
