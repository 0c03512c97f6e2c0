"""What experiments are read by on the viewers' side."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import ids
from adplatform.experiments import metrics
from adplatform.models import Assignment, Experiment
from catalog.models import MediaAsset, Scene, Title
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackEvent, PlaybackSession, Viewer
from tests.adplatform.experiments.units import NOW, START, expose, running

pytestmark = pytest.mark.django_db


def load(name: str, experiment: Experiment, until: datetime = NOW) -> metrics.Units:
    return metrics.metric_of(name).load(experiment, START, until)


def told(one: Assignment, kind: str, minutes: float = 5, session: uuid.UUID | None = None, **data: Any) -> None:
    at = one.exposed_at + timedelta(minutes=minutes)
    key = ids.new_id(at)
    PlaybackEvent.objects.create(
        id=key, day=ids.day_of(key), type=kind, occurred_at=at, received_at=at, session=session or one.session, viewer=one.unit, data=data
    )


def test_minutes_are_those_watched_since_the_exposure_beside_those_of_earlier_sessions() -> None:
    experiment = running(metric="minutes_watched")
    one, two = expose(experiment, ["control", "bolder"])
    told(one, "playback.scene_end", watched=90)
    told(one, "playback.leave", minutes=9, watched=30)
    told(one, "playback.leave", minutes=10, watched="long")
    for session, seconds in ((uuid.uuid4(), 600), (uuid.uuid4(), 300)):
        told(one, "playback.scene_end", minutes=-600, session=session, watched=seconds)
    told(two, "playback.leave", watched=60)
    PlaybackEvent.objects.filter(session=two.session).update(valid=False)
    found = load("minutes_watched", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([2.0, 0.0], [1.0, 1.0])
    assert found.covariate[0] == 7.5
    assert np.isnan(found.covariate[1])


def test_a_film_watched_to_its_end_counts_once_a_session() -> None:
    experiment = running(metric="film_completion")
    one, _ = expose(experiment, ["control", "bolder"])
    for kind in ("playback.start", "playback.end", "playback.end"):
        told(one, kind)
    found = load("film_completion", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([1.0, 0.0], [1.0, 1.0])


def test_the_next_scene_is_asked_of_where_a_change_was_meant_and_made_or_held_back_by_the_control_group() -> None:
    experiment = running(metric="next_scene")
    one, two = expose(experiment, ["control", "bolder"])
    meant(one, watched=0.5, action="keep", arm="control")
    meant(one, watched=0.9, action="keep", arm="control", intended="keep")
    meant(one, watched=0.9, action="keep", arm="control", minutes=-9)
    meant(two, watched=0.8, action="tighten", applied=True)
    meant(two, watched=0.7, action="tighten", applied=True)
    meant(two, watched=0.1, action="keep", explored=True)
    meant(two, watched=0.1, action="suggest", intended="suggest", applied=True)
    found = load("next_scene", experiment)
    assert found.numerator.tolist() == pytest.approx([0.5, 1.5])
    assert found.denominator.tolist() == [1.0, 2.0]


def meant(one: Assignment, *, watched: float, minutes: float = 5, **fields: Any) -> None:
    at = one.exposed_at + timedelta(minutes=minutes)
    place = DirectorDecision.objects.count() + 2
    given = {"session": one.session, "title": 1, "intended": "tighten", "place": place, "reason": ""} | fields
    made = DirectorDecision.objects.create(id=ids.new_id(at), decided_at=at, **given)
    DirectorOutcome.objects.create(decision=made.pk, decided_at=at, session=made.session, reached=True, watched=watched, judged_at=at)


def test_ratings_are_averaged_over_those_given_and_nonsense_is_none() -> None:
    experiment = running(metric="rating")
    one, _ = expose(experiment, ["control", "bolder"])
    for stars in (5, 2, 9, "five"):
        told(one, "playback.rating", stars=stars)
    found = load("rating", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([7.0, 0.0], [2.0, 0.0])


@pytest.fixture
def film() -> list[Scene]:
    """Three scenes of ten seconds, six in the tight cut, and an optional one."""
    title = Title.objects.create(slug="scenes", name="Scenes", synopsis="", year=2026)
    segments = [{"uri": str(number), "duration": 2.0, "tight": number < 3} for number in range(5)]
    assets = [MediaAsset.objects.create(kind="scene", key=f"scenes-{number}", segments=segments, duration=10.0) for number in range(4)]
    return [
        Scene.objects.create(title=title, position=number, name=str(number), mood="calm", intensity=0.5, optional=number == 4, asset=asset)
        for number, asset in enumerate(assets, start=1)
    ]


def watched(one: Assignment, scene: Scene, seconds: float, *, minutes: float, session: uuid.UUID | None = None, **data: Any) -> None:
    told(one, "playback.scene_end", minutes=minutes, session=session, watched=seconds, **data)
    PlaybackEvent.objects.filter(scene=None, type="playback.scene_end").update(scene=scene.pk)


def test_engagement_is_the_share_of_the_film_watched_at_normal_speed_once(film: list[Scene]) -> None:
    experiment = running(metric="engagement")
    one, two, _ = expose(experiment, ["control", "bolder", "bolder"])
    for scene, seconds, minute, cut in ((film[0], 10, 1, "full"), (film[0], 10, 2, "full"), (film[1], 3, 3, "tight"), (film[3], 10, 4, "full")):
        watched(one, scene, seconds, minutes=minute, cut=cut)
    told(one, "playback.rate", minutes=5, rate=2.0)
    watched(one, film[2], 10, minutes=6)
    earlier = uuid.uuid4()
    watched(one, film[0], 6, minutes=-600, session=earlier, duration=6.0)
    told(two, "playback.rate", minutes=1, rate=2.0)
    told(two, "playback.rate", minutes=2, rate=1.0)
    watched(two, film[0], 6, minutes=3, duration=6.0)
    found = load("engagement", experiment)
    assert found.numerator.tolist() == pytest.approx([1.5 / 3, 1 / 3, 0.0])
    assert found.denominator.tolist() == [1.0, 1.0, 1.0]
    assert found.covariate[0] == pytest.approx(1 / 3)
    assert np.isnan(found.covariate[1:]).all()


def test_rebuffering_is_stalled_seconds_for_each_hour_watched_and_no_stall_is_longer_than_ten_minutes() -> None:
    experiment = running(metric="rebuffering")
    one, _ = expose(experiment, ["control", "bolder"])
    for milliseconds in (1500, 900_000_000, "long"):
        told(one, "playback.stall", milliseconds=milliseconds)
    told(one, "playback.leave", watched=1800)
    found = load("rebuffering", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([601.5, 0.0], [0.5, 0.0])


def test_complaints_are_counted_for_each_session() -> None:
    experiment = running(metric="complaints")
    one, _ = expose(experiment, ["control", "bolder"])
    for kind, minutes in (("playback.start", 1), ("playback.complaint", 2), ("playback.complaint", 3), ("playback.complaint", -60)):
        told(one, kind, minutes=minutes, about="ads")
    found = load("complaints", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist(), found.covariate[0]) == ([2.0, 0.0], [1.0, 1.0], 1.0)


def test_coming_back_is_asked_of_viewers_with_consent_whose_week_is_over() -> None:
    experiment = running(metric="return_7_days")
    back, stayed_away, late = expose(experiment, ["control", "bolder", "bolder"])
    Assignment.objects.filter(pk=late.pk).update(exposed_at=START + timedelta(days=3))
    expose(experiment, ["control"], anonymous=True, first=9)
    title = Title.objects.create(slug="film", name="Film", synopsis="", year=2026)
    for number, one in enumerate((back, stayed_away, late)):
        viewer = Viewer.objects.create(id=one.unit, name=f"Viewer {number}", ads_consent=True)
        for days in (-3.0, 2.0 if one is back else 0.01):
            at = one.exposed_at + timedelta(days=days)
            PlaybackSession.objects.create(id=ids.new_id(at), viewer=viewer, title=title, hour=8, started_at=at, last_seen_at=at)
    found = load("return_7_days", experiment, START + timedelta(days=8))
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0])
    assert found.covariate[:2].tolist() == [1.0, 1.0]
