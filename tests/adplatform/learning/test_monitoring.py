"""Readings as pure functions of served rows, what Prometheus and the admin show of them, and windows that are read once."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from adplatform.learning import drift, monitoring, registry, training
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION
from adplatform.learning.monitoring import faults, quality, shift
from adplatform.learning.monitoring.admin import ModelReadingAdmin
from adplatform.learning.monitoring.readings import DAY, HOUR, Reading, Window, windows_until
from adplatform.learning.monitoring.served import Served
from adplatform.learning.monitoring.watch import of_hours
from adplatform.learning.predictor import ColumnPredictor
from adplatform.learning.schema import Feature, FeatureSchema
from adplatform.models import ModelReading, ModelVersion, TrainingRun

from .test_registry import make_version

MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
HOURLY, DAILY = Window.ending(MIDNIGHT + timedelta(hours=1), HOUR), Window.ending(MIDNIGHT, DAY)
SCHEMA = FeatureSchema(
    "watched", 1, (Feature("device", "t", categories=("tv", "mobile")), Feature("age", "t", high=100), Feature("rate", "t")), prior="rate"
)


def rows(n: int, seed: int, *, mobile: float = 0.3, believed: float = 1.0, start: float = 0.0, seconds: float = 3600.0, lost: float = 0.0) -> Served:
    """``n`` rows, two a session; ``believed`` is how many times too much the scores predict."""
    rng = np.random.default_rng(seed)
    of = np.arange(n) // 2
    device = (rng.random(n // 2 + 1) < mobile)[of].astype(np.float32)
    age = rng.gamma(3, 10, n).clip(0, 100)
    age[rng.random(n) < lost] = np.nan
    truth = rng.beta(2, 38, n) * np.where(device > 0, 1.3, 0.9)
    labels = (rng.random(n) < truth).astype(np.float64)
    scores = truth * believed
    return Served(
        features=np.column_stack([device, age, scores]).astype(np.float32), scores=scores.astype(np.float32).astype(np.float64),
        version=np.ones(n, dtype=np.int64), at=start + np.sort(rng.random(n)) * seconds, session=of.astype(np.str_), labels=labels, so_far=labels,
        age=np.full(n, 7200.0), delay=np.where(labels > 0, rng.exponential(60, n), np.nan), shadow_version=np.zeros(n, dtype=np.int64),
        shadow_scores=np.full(n, np.nan), groups={"device": np.where(device > 0, "mobile", "tv")}, seen_rows=n,
    )  # fmt: skip


PAST = rows(40_000, 1, seconds=8 * 86_400)
REFERENCE = drift.reference(PAST.features, PAST.scores, SCHEMA, at=PAST.at, session=PAST.session)


def shifts(served: Served, window: Window = HOURLY) -> list[Reading]:
    return [*shift.of_features(window, REFERENCE, served, SCHEMA), *shift.of_scores(window, REFERENCE, served)]


def labelled(served: Served, window: Window = HOURLY, task: str = CLASSIFICATION) -> list[Reading]:
    return list(quality.mature(window, served, task, benchmark=0.02, estimates={}))


def alarms(readings: Sequence[Reading]) -> set[str]:
    return {f"{one.measure} {one.subject}".strip() for one in readings if one.alarm}


def test_of_hundreds_of_calm_hours_hardly_any_alarms() -> None:
    cried = 0
    earlier: list[dict[str, float]] = []
    for seed in range(300):
        hour = rows(240, 10_000 + seed)
        readings = [*shifts(hour), *labelled(hour)]
        loss = next(one for one in readings if one.measure == "log_loss")
        running = quality.running(HOURLY, earlier[-200:], loss.figures, loss.rows)
        earlier.append(dict(loss.figures))
        cried += len(alarms(readings)) + bool(running and running.alarm)
    assert cried <= 1


def test_what_shifted_is_named_with_its_shares_before_and_now() -> None:
    readings = shifts(rows(600, 2, mobile=0.8))
    assert alarms(readings) == {"feature_psi device", "score_psi"} or alarms(readings) == {"feature_psi device"}
    words = next(one.words for one in readings if one.subject == "device")
    assert re.search(r"The feature device is no longer as in training: stability index \d\.\d\d beyond what chance makes of 300 sessions", words)
    assert re.search(r"(tv|mobile) went from \d\d\.\d% to \d\d\.\d% of the rows", words)


def test_a_rate_that_only_settles_about_its_mean_is_no_alarm_and_one_that_moves_is() -> None:
    settled, moved = rows(4000, 2), rows(4000, 2)
    mean = float(np.nanmean(PAST.features[:, 2]))
    settled.features[:, 2] = mean + (settled.features[:, 2] - mean) / 4
    moved.features[:, 2] += 0.03
    assert alarms(list(shift.of_features(HOURLY, REFERENCE, moved, SCHEMA))) == {"feature_psi rate"}
    calm = list(shift.of_features(HOURLY, REFERENCE, settled, SCHEMA))
    assert not alarms(calm)
    rate = next(one for one in calm if one.subject == "rate")
    assert (rate.value or 0) > (rate.bound or 0)
    assert "spread otherwise than in training, about the same middle" in rate.words


def test_a_day_tells_effect_sizes_and_what_is_missing() -> None:
    readings = shifts(rows(4000, 3, lost=0.5), DAILY)
    assert "feature_missing age" in alarms(readings)
    missing = next(one for one in readings if one.measure == "feature_missing")
    assert missing.value == pytest.approx(0.5, abs=0.05)
    assert "Look at whoever fills it" in missing.words
    effects = {one.subject: one for one in readings if one.measure == "feature_shift"}
    assert set(effects) == {"device", "age", "rate"}
    assert all(abs(one.value or 0) < 0.1 and not one.alarm for one in effects.values())


def test_too_few_sessions_or_days_of_training_are_not_judged() -> None:
    assert shifts(rows(60, 4)) == []
    young = drift.reference(PAST.features[:4000], PAST.scores[:4000], SCHEMA, at=PAST.at[:4000], session=PAST.session[:4000])
    found = list(shift.of_features(DAILY, young, rows(4000, 5, mobile=0.9), SCHEMA))
    assert not alarms(found)
    assert "it is not judged yet" in found[0].words
    assert labelled(rows(40, 6)) == []
    few = next(one for one in labelled(rows(60, 7)) if one.measure == "calibration")
    assert few.value is None
    assert "not enough evidence" in few.words


def test_a_model_that_promises_too_much_is_an_alarm_overall_and_by_group() -> None:
    found = labelled(rows(30_000, 8, believed=1.4), DAILY)
    assert {"calibration", "calibration device:tv", "calibration device:mobile"} <= alarms(found)
    overall = next(one for one in found if one.measure == "calibration" and not one.subject)
    assert overall.value == pytest.approx(1.4, abs=0.1)
    assert overall.low and overall.high and overall.low < 1.4 < overall.high
    assert "it predicts too much" in overall.words
    # One in ten more is within what is wanted, however certain it is.
    assert not alarms(labelled(rows(60_000, 9, believed=1.07), DAILY))


def test_the_calibration_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    found = [next(one for one in labelled(rows(1500, 300 + seed)) if one.measure == "calibration") for seed in range(200)]
    held = np.mean([(one.low or 0) <= 1 <= (one.high or 9) for one in found])
    assert 0.9 <= held <= 0.99


def test_hours_that_are_each_a_little_off_add_up_to_an_alarm() -> None:
    earlier: list[dict[str, float]] = []
    stopped = None
    for hour in range(40):
        loss = next(one for one in labelled(rows(600, 700 + hour, believed=0.6)) if one.measure == "log_loss")
        running = quality.running(HOURLY, earlier, loss.figures, loss.rows)
        assert running is not None
        if running.alarm:
            stopped = hour, running.words
            break
        earlier.append(dict(loss.figures))
    assert stopped is not None
    assert stopped[0] < 30
    assert "the loss has been higher than the model itself expects" in stopped[1]


def test_a_regression_is_read_by_its_bias_and_squared_error() -> None:
    calm = rows(2000, 11)
    exact = Served(**{**calm.__dict__, "labels": calm.scores + np.random.default_rng(1).normal(0, 0.1, 2000)})
    assert {one.measure for one in labelled(exact, task=REGRESSION)} == {"bias", "mse"}
    assert not alarms(labelled(exact, task=REGRESSION))
    off = Served(**{**exact.__dict__, "scores": exact.scores + 0.1})
    assert alarms(labelled(off, task=REGRESSION)) == {"bias"}


def test_scores_that_follow_from_the_logged_rows_replay_and_others_do_not() -> None:
    served = rows(400, 12)
    (same,) = faults.replay(HOURLY, ColumnPredictor(2, 0.0), SCHEMA, served)
    assert (same.value, same.alarm) == (0.0, False)
    other = Served(**{**served.__dict__, "scores": np.where(np.arange(400) < 12, served.scores + 0.01, served.scores)})
    (differs,) = faults.replay(HOURLY, ColumnPredictor(2, 0.0), SCHEMA, other)
    assert differs.value == pytest.approx(0.03)
    assert differs.alarm
    assert list(faults.replay(HOURLY, ColumnPredictor(2, 0.0), SCHEMA, served.take(np.zeros(400, dtype=bool)))) == []


@dataclass(frozen=True)
class Found:
    rows: int
    differing: int
    by_feature: dict[str, int] = field(default_factory=dict)
    words: str = "Of 50 served ads computed again from the log, 5 had other features."


def test_features_that_cannot_be_computed_again_are_an_alarm_that_holds_training_back() -> None:
    (bad,) = faults.skew(HOURLY, Found(50, 5, {"ad_click_rate": 5}))
    assert bad.alarm
    assert "Drift starts no training until this is repaired" in bad.words
    (good,) = faults.skew(HOURLY, Found(50, 2))
    assert "That is no alarm: it takes 3 that differ." in good.words
    assert not good.alarm
    assert list(faults.skew(HOURLY, Found(0, 0))) == []


def test_windows_are_whole_hours_and_days() -> None:
    moment = MIDNIGHT + timedelta(hours=2, minutes=20)
    hours = windows_until(moment, HOUR, timedelta(hours=4))
    assert [one.until.hour for one in hours] == [23, 0, 1, 2]
    assert str(hours[-1]) == "2026-11-16 01:00 to 02:00"
    assert [str(one) for one in windows_until(moment, DAY, timedelta(days=2))] == ["2026-11-14", "2026-11-15"]


# With tables


def load(*, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """Four hundred rows whatever the window, from mobiles from two o'clock on."""
    assert most == 20_000
    seed = int(since.timestamp()) // 3600
    found = rows(400, seed, mobile=0.95 if since >= MIDNIGHT + timedelta(hours=2) else 0.3, start=since.timestamp())
    open_ = found.at + 600 > as_of.timestamp()
    return Served(**{**found.__dict__, "labels": np.where(open_, np.nan, found.labels), "scores": np.full(400, 0.05)})


def _nothing(as_of: datetime) -> training.Dataset:
    raise training.NotEnoughData("nothing here")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    recipe = training.Recipe("watched", CLASSIFICATION, SCHEMA, "prior", _nothing, least_rows=1, label_seconds=600.0)
    monkeypatch.setitem(training.recipes._recipes, "watched", recipe)
    monkeypatch.setitem(monitoring.served._checks, "watched", monitoring.served.Checks(load))
    monkeypatch.setattr("adplatform.learning.tasks.execute_run.delay", lambda run: None)
    version = make_version(0.05, kind="watched")
    ModelVersion.objects.filter(pk=version.pk).update(card={"reference": {**REFERENCE, "score": None}}, trained_at=MIDNIGHT, estimator="prior")
    registry.promote(version)
    return version


@pytest.mark.django_db
def test_an_hour_is_read_when_it_ends_and_once_more_when_its_labels_are_in(watched: ModelVersion) -> None:
    first = monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=1, minutes=5))
    assert {one.measure for one in first} >= {"served_rows", "feature_psi", "expected_log_loss", "replay"}
    assert not {one.measure for one in first} & {"log_loss", "calibration"}
    assert monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=1, minutes=6)) == []
    second = monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=1, minutes=30))
    assert {one.measure for one in second} >= {"log_loss", "calibration", "loss_change"}
    assert not {one.measure for one in second} & {"expected_log_loss", "replay"}
    assert monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=1, minutes=31)) == []
    # A worker that was away for a day makes up for it.
    missed = monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=24, minutes=40))
    assert len({(one.window_from, one.window_to) for one in missed}) == 23 + 1
    assert ModelReading.objects.filter(measure="served_rows").count() == 25


@pytest.mark.django_db
def test_the_hourly_task_reads_every_kind_and_an_alarm_is_one_run(watched: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    from adplatform.learning.monitoring import tasks

    monkeypatch.setattr(timezone, "now", lambda: MIDNIGHT + timedelta(hours=4, minutes=7))
    told = tasks.monitor_models()
    assert any("The feature device is no longer as in training" in words for words in told["watched"]["alarms"])
    run = TrainingRun.objects.get()
    assert told["watched"]["run"] == run.key == "drift/watched/v1/20261116T02-20261116T03"
    again = tasks.monitor_models()
    assert (again["watched"]["readings"], again["watched"]["run"]) == (0, None)
    assert "ctr" in told


@pytest.mark.django_db
def test_no_reading_has_its_reason_said(watched: ModelVersion) -> None:
    def said(at: datetime) -> str:
        out = io.StringIO()
        call_command("monitor", "watched", as_of=at, stdout=out)
        return out.getvalue()

    assert "At 2026-11-15 23:00 none of the models that serve was there: watched v1" in said(MIDNIGHT - timedelta(hours=1))
    assert "No whole hour had passed since watched v1 (prior) (trained 2026-11-16 00:00); the first can be read at 2026-11-16 01:02" in said(
        MIDNIGHT + timedelta(minutes=50)
    )
    assert "nothing to read" not in said(MIDNIGHT + timedelta(hours=1, minutes=2))
    ModelVersion.objects.update(alias="")
    assert "No watched model serves yet. Train one: manage.py train watched." in said(MIDNIGHT)


@pytest.mark.django_db
def test_hours_are_forgotten_and_days_are_kept(watched: ModelVersion) -> None:
    monitoring.monitor("watched", as_of=MIDNIGHT + timedelta(hours=25))
    days = ModelReading.objects.exclude(of_hours()).count()
    assert days
    assert monitoring.forget_old_hours(MIDNIGHT + timedelta(days=90)) > days
    assert ModelReading.objects.count() == days


@pytest.mark.django_db
def test_the_last_readings_are_gauges_and_rows_in_the_admin(watched: ModelVersion, client: Client) -> None:
    now = timezone.now().replace(minute=20)
    hour = now.replace(minute=0, second=0, microsecond=0)
    figures = {"psi": 0.5, "moved": ["mobile", 0.3, 0.8]}
    for back, value in ((2, 0.1), (1, 0.5)):
        ModelReading.objects.create(
            version=watched, measure="feature_psi", subject="device", window_from=hour - timedelta(hours=back), window_to=hour - timedelta(hours=back - 1),
            rows=600, value=value, bound=0.2, alarm=value > 0.2, words=f"The feature device moved by {value}.", figures=figures,
        )  # fmt: skip
    text = client.get("/metrics").content.decode()
    label = 'kind="watched",measure="feature_psi",span="hour",subject="device"'
    assert f"intermission_model_reading{{{label}}} 0.5" in text
    assert f"intermission_model_alarm{{{label}}} 1.0" in text

    User.objects.create_superuser("lead", password="correct horse battery")
    client.login(username="lead", password="correct horse battery")
    page = client.get(reverse("admin:adplatform_modelreading_changelist"), {"alarm__exact": 1}).text
    assert "The feature device moved by 0.5." in page
    assert "The feature device moved by 0.1." not in page
    one = ModelReading.objects.get(alarm=True)
    assert "mobile" in client.get(reverse("admin:adplatform_modelreading_change", args=[one.pk])).text
    assert client.get(reverse("admin:adplatform_modelreading_add")).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("measure", "value", "bound", "said"),
    [
        ("calibration", 0.61, 0.9, "outside, not certain"),
        ("calibration", 1.38, 1.1, "outside, not certain"),
        ("calibration", 0.97, 0.9, "within its bound"),
        ("bias", -0.3, 0.1, "outside, not certain"),
        ("feature_psi", 0.02, 0.2, "within its bound"),
        ("log_loss", 0.2, None, "not judged"),
    ],
)
def test_what_lies_outside_its_bound_without_being_certain_is_said_so(measure: str, value: float, bound: float | None, said: str) -> None:
    reading = ModelReading(measure=measure, value=value, bound=bound)
    assert ModelReadingAdmin(ModelReading, admin.site).state(reading) == said
