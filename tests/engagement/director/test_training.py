"""The engagement model learns from logged playback, is judged beside the constant, and answers a live session with a band."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.learning import registry, training
from adplatform.learning.training import judging
from catalog.models import Genre, MediaAsset, Scene, Title
from engagement.director import dataset, history
from engagement.director.features import SCHEMA, SessionSignals, build, on_screen
from engagement.director.film import films
from engagement.director.prediction import predict_engagement
from engagement.models import PlaybackEvent, PlaybackSession, Viewer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMALL = {"n_estimators": 20, "max_depth": 6, "min_samples_leaf": 10}
SESSIONS = 320

pytestmark = pytest.mark.django_db


def make_title() -> Title:
    title = Title.objects.create(name="Harbour of Glass", slug="harbour-of-glass")
    title.genres.add(Genre.objects.create(name="Drama", slug="drama"))
    segments = [{"uri": f"{n}.m4s", "duration": 2.0, "tight": n != 2} for n in range(5)]
    for position in range(1, 7):
        asset = MediaAsset.objects.create(kind="scene", key=f"hg-{position}", segments=segments)
        intensity = 0.9 if position % 2 else 0.2
        Scene.objects.create(title=title, position=position, name=f"Scene {position}", mood="calm", intensity=intensity, asset=asset)
    return title


def write_sessions(sessions: int) -> None:
    """People who pause leave more often, and dull scenes lose more of them: the truth that is to be found."""
    rng = np.random.default_rng(4)
    title = make_title()
    scenes = list(title.scenes.order_by("position"))
    viewer = Viewer.objects.create(name="Ada", ads_consent=True, monthly_hours=20)
    ensure_partitions([(NOW - timedelta(days=back)).date() for back in range(6)])
    events: list[PlaybackEvent] = []
    kept: list[PlaybackSession] = []
    for number in range(sessions):
        at = NOW - timedelta(days=4) + timedelta(minutes=15 * number)
        session = PlaybackSession(
            id=ids.new_id(at),
            viewer=viewer,
            title=title,
            device="tv",
            hour=20,
            consent=number % 2 == 0,
            started_at=at,
            last_seen_at=at,
            synthetic=True,
        )
        kept.append(session)
        events += watch(session, scenes, at, restless=bool(rng.random() < 0.4), rng=rng)
    PlaybackSession.objects.bulk_create(kept)
    PlaybackEvent.objects.bulk_create(events, batch_size=2000)


def watch(session: PlaybackSession, scenes: list[Scene], at: datetime, *, restless: bool, rng: np.random.Generator) -> list[PlaybackEvent]:
    made: list[PlaybackEvent] = []

    def note(kind: str, scene: int, offset: float, **data: object) -> None:
        key = ids.new_id(at)
        made.append(
            PlaybackEvent(id=key, day=ids.day_of(key), type=kind, occurred_at=at, received_at=at, session=session.id, seq=len(made) + 1, viewer=session.viewer_id,
                          title=session.title_id, scene=scene, offset=offset, data=data, synthetic=True)
        )  # fmt: skip

    for scene in scenes:
        note("playback.scene_start", scene.pk, 0.0)
        leaves = rng.random() < (0.5 if restless else 0.05) * (1.4 if scene.intensity < 0.5 else 0.6)
        seconds = float(rng.uniform(1, 8)) if leaves else 10.0
        at += timedelta(seconds=seconds / 2)
        if restless:
            note("playback.pause", scene.pk, seconds / 2)
            note("playback.play", scene.pk, seconds / 2)
        at += timedelta(seconds=seconds / 2)
        note("playback.scene_end", scene.pk, seconds, watched=seconds, duration=10.0)
        if leaves:
            note("playback.leave", scene.pk, seconds)
            return made
    note("playback.end", scenes[-1].pk, 10.0)
    return made


@pytest.fixture(scope="module")
def watched(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        write_sessions(SESSIONS)
        yield
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE engagement_playbackevent, engagement_playbacksession, engagement_viewer, catalog_title, catalog_genre, catalog_mediaasset CASCADE"
            )


def test_the_model_beats_the_constant_and_says_so_with_intervals(watched: None) -> None:
    report = training.train("engagement", as_of=NOW, parameters=SMALL)
    assert report.status == "promoted", report.verdict
    assert report.metrics["mae"]["ci_high"] < report.metrics["mae"]["baseline"]
    assert report.metrics["r2"]["ci_low"] > 0.1
    assert set(report.metrics) == {"mae", "mse", "r2", "bias"}


def test_a_live_session_is_answered_with_a_band_around_the_value(watched: None) -> None:
    training.train("engagement", as_of=NOW, parameters=SMALL)
    registry.forget_loaded()
    session = PlaybackSession.objects.earliest("started_at")
    context = dataclasses.replace(dataset.surroundings(session, history.NOTHING), scenes=6, position=4, mood="calm", intensity=0.2)
    calm, restless = SessionSignals(), SessionSignals()
    for at in (1010.0, 1020.0, 1030.0):
        for signals in (calm, restless):
            signals.update("playback.scene_end", at, data={"watched": 10, "duration": 10})
        restless.update("playback.pause", at)
    answers = [predict_engagement(signals, context, now=1031.0) for signals in (calm, restless)]
    assert answers[0] is not None
    assert answers[1] is not None
    assert answers[0].value > answers[1].value + 0.1
    for answer in (answers[0], answers[1]):
        assert 0 <= answer.low <= answer.value <= answer.high <= 1
        assert answer.model_version == 1


def test_who_is_about_to_leave_is_told_with_an_interval_that_holds_for_other_people(watched: None) -> None:
    report = training.train("leave", as_of=NOW)
    assert report.status == "promoted", report.verdict
    assert report.metrics["auc"]["ci_low"] > 0.55
    assert report.metrics["brier"]["value"] < report.metrics["brier"]["baseline"]
    training.train("engagement", as_of=NOW, parameters=SMALL)
    registry.forget_loaded()
    rows, asked = dataset.load_leaving(NOW), training.recipe_for("leave")
    model = registry.load_champion(asked.kind)
    assert model is not None
    answer = predict_engagement(SessionSignals(), dataset.surroundings(PlaybackSession(device="tv", hour=3), history.NOTHING), now=1000.0)
    assert answer is not None
    assert answer.leave_version == 1
    assert answer.leave is not None
    assert answer.leave_low is not None
    assert answer.leave_high is not None
    assert 0 <= answer.leave_low <= answer.leave <= answer.leave_high <= 1
    assert float(rows.labels.mean()) == pytest.approx(float(model.predictor.predict(rows.features).mean()), rel=0.1)


def test_the_band_holds_as_many_outcomes_of_others_as_it_says() -> None:
    """Rows that the model saw neither in training nor when its band was measured."""
    rng = np.random.default_rng(11)
    features = rng.random((6000, 3)).astype(np.float32)
    truth = 0.2 + 0.6 * features[:, 0].astype(float)
    labels = np.clip(truth + rng.normal(0, 0.15, len(truth)), 0, 1)
    shown, fresh = slice(0, 3000), slice(3000, None)
    bands = judging.residual_bands(labels[shown], truth[shown])
    band = np.searchsorted(bands["edges"], truth[fresh], side="right")
    inside = (labels[fresh] >= truth[fresh] + np.take(bands["low"], band)) & (labels[fresh] <= truth[fresh] + np.take(bands["high"], band))
    assert inside.mean() == pytest.approx(bands["level"], abs=0.03)


def test_the_interval_of_a_chance_holds_the_rate_among_others_nearly_always() -> None:
    """Of models that say too much: the interval is that of what happens, not of what was said."""
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = rng.beta(1.5, 8, 4000)
        said, sessions = np.clip(truth * 1.2, 0, 1), np.arange(4000) // 4
        bands = judging.rate_bands((rng.random(4000) < truth).astype(float), said, sessions)
        band = np.searchsorted(bands["edges"], said, side="right")
        for number in range(len(bands["low"])):
            inside = band == number
            held.append(bands["low"][number] <= truth[inside].mean() - said[inside].mean() <= bands["high"][number])
    assert np.mean(held) > 0.9


def test_without_a_model_there_is_no_answer() -> None:
    session = PlaybackSession(id=uuid.UUID(int=1), device="tv", hour=3)
    assert predict_engagement(SessionSignals(), dataset.surroundings(session, history.NOTHING), now=1000.0) is None


def test_training_rows_are_the_rows_a_live_session_had(watched: None) -> None:
    found = dataset.load(NOW)
    session = PlaybackSession.objects.filter(consent=True).latest("started_at")
    facts = history.facts_of([session])[session.id]
    assert facts.earlier_sessions == SESSIONS - 2
    stored = PlaybackEvent.objects.filter(session=session.id).order_by("seq")
    film, around = films()[session.title_id], dataset.surroundings(session, facts)
    signals, live = SessionSignals(), []
    for event in stored:
        at = event.occurred_at.timestamp()
        signals.update(event.type, at, scene=event.scene, offset=event.offset, data=event.data, film=film, seq=event.seq)
        if event.type == "playback.scene_start":
            context = on_screen(signals, around, film, at)
            assert context is not None
            live.append(build(signals, context, at)[0])
    trained = found.features[found.session == str(session.id)]
    assert np.array_equal(trained, np.array(live), equal_nan=True)


def test_rows_without_consent_know_nothing_of_the_viewer(watched: None) -> None:
    found = dataset.load(NOW)
    columns = [SCHEMA.index[feature.name] for feature in SCHEMA.features if feature.privacy == "consent"]
    consenting = {str(key) for key in PlaybackSession.objects.filter(consent=True).values_list("id", flat=True)}
    for key, row in zip(found.session, found.features, strict=True):
        assert np.isnan(row[columns]).all() == (str(key) not in consenting)


def test_a_session_that_may_go_on_is_not_a_row_yet(watched: None) -> None:
    last = PlaybackEvent.objects.latest("occurred_at")
    assert str(last.session) not in dataset.load(last.occurred_at + timedelta(minutes=14)).session
    assert str(last.session) in dataset.load(last.occurred_at + timedelta(minutes=16)).session


def test_later_rows_share_no_session_with_earlier_ones_and_come_after_them(watched: None) -> None:
    earlier, later, cut = training.split(dataset.load(NOW), label_seconds=900)
    assert not set(earlier.session) & set(later.session)
    assert earlier.at.max() + 900 < cut <= later.at.min()
