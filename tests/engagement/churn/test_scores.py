"""The churn model learns who stays away, scores each viewer with consent once a day, and says why."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.learning import registry, training
from ads.models import AdEvent
from catalog.models import Genre, MediaAsset, Scene, Title
from engagement.churn import dataset, served
from engagement.churn.scoring import viewers_score
from engagement.churn.visits import visits_of
from engagement.models import ChurnScore, PlaybackEvent, PlaybackSession, Viewer
from engagement.services import viewer_update

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMALL = {"n_estimators": 20, "max_depth": 5, "min_samples_leaf": 10}
DAYS = 26

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Any:
    registry.forget_loaded()
    yield
    registry.forget_loaded()


def film() -> Title:
    title = Title.objects.create(name="Harbour of Glass", slug="harbour-of-glass")
    title.genres.add(Genre.objects.create(name="Drama", slug="drama"))
    for position in (1, 2):
        asset = MediaAsset.objects.create(kind="scene", key=f"hg-{position}", duration=10.0)
        Scene.objects.create(title=title, position=position, name=str(position), mood="calm", intensity=0.5, asset=asset)
    return title


def came(viewer: Viewer, title: Title, at: datetime, **fields: Any) -> PlaybackSession:
    return PlaybackSession(
        **(
            {
                "id": ids.new_id(at),
                "viewer": viewer,
                "title": title,
                "device": "tv",
                "hour": 20,
                "consent": True,
                "started_at": at,
                "last_seen_at": at,
            }
            | fields
        )
    )


def audience(title: Title) -> list[Viewer]:
    """Every other viewer comes daily, the others once in twelve days on average, at chance: of those half stay away for a week."""
    rng = np.random.default_rng(3)
    viewers = [Viewer(id=uuid.UUID(int=number + 1), name=f"Viewer {number}", ads_consent=number != 0, synthetic=True) for number in range(60)]
    Viewer.objects.bulk_create(viewers)
    sessions = []
    for number, viewer in enumerate(viewers):
        at = NOW - timedelta(days=DAYS - float(rng.uniform(0, 4)))
        while at < NOW:
            sessions.append(came(viewer, title, at))
            at += timedelta(days=float(rng.uniform(0.7, 1.3) if number % 2 else rng.exponential(12)))
    PlaybackSession.objects.bulk_create(sessions)
    return viewers


def test_what_was_done_is_read_as_it_had_arrived() -> None:
    title = film()
    viewer = Viewer.objects.create(name="Ada", ads_consent=True)
    viewer.favourite_genres.add(*title.genres.all())
    ensure_partitions([NOW.date()])
    session = came(viewer, title, NOW - timedelta(hours=2), as_edited=True, came_from=uuid.uuid4())
    session.save(force_insert=True)
    came(viewer, title, NOW - timedelta(hours=1), consent=False).save(force_insert=True)
    told: tuple[tuple[str, int | None, dict[str, Any]], ...] = (
        ("playback.scene_end", 1, {"watched": 8.0, "completed": True}), ("playback.scene_end", 1, {"watched": 2.0, "completed": True}),
        ("playback.scene_end", 2, {"watched": "all", "completed": False}), ("playback.skip_scene", 2, {}), ("playback.rewind", 2, {}),
        ("playback.complaint", 2, {}), ("playback.rating", None, {"stars": 2}), ("playback.rating", None, {"stars": 99}),
        ("playback.stall", 2, {"milliseconds": 2500}), ("playback.end", None, {}),
    )  # fmt: skip
    for number, (kind, place, data) in enumerate(told):
        at = session.started_at + timedelta(minutes=number)
        scene = Scene.objects.get(title=title, position=place).pk if place else None
        key = ids.new_id(at)
        PlaybackEvent.objects.create(
            id=key, day=ids.day_of(key), type=kind, occurred_at=at, received_at=at, session=session.pk, viewer=viewer.pk, scene=scene, data=data
        )
    for slot, kind in enumerate(("ad.start", "ad.start", "ad.skip")):
        key = ids.new_id(session.started_at)
        AdEvent.objects.create(
            id=key, day=ids.day_of(key), type=kind, occurred_at=session.started_at, received_at=session.started_at, session=session.pk,
            viewer=viewer.pk, decision=uuid.uuid4(), slot=slot, ad=1, flight=1, campaign=1, title=title.pk,
        )  # fmt: skip
    found = visits_of([viewer.pk], since=NOW - timedelta(days=1), as_of=NOW)[viewer.pk]
    assert len(found) == 1
    one = found[0]
    assert (one.progress, one.watched_seconds, one.watched_share, one.finished) == (0.5, 10.0, 0.5, True)
    assert (one.skips, one.rewinds, one.complaints, one.stars, one.stall_seconds) == (1, 1, 1, 2.0, 2.5)
    assert (one.ads, one.ads_skipped, one.genre_match, one.suggested, one.as_edited) == (2, 1, 1.0, True, True)
    early = visits_of([viewer.pk], since=NOW - timedelta(days=1), as_of=session.started_at + timedelta(minutes=4))[viewer.pk][0]
    assert (early.rewinds, early.complaints, early.finished) == (1, 0, False)


def test_rows_are_of_viewers_with_consent_and_only_where_the_horizon_has_passed() -> None:
    audience(film())
    rows = dataset.load(NOW)
    assert str(uuid.UUID(int=1)) not in set(rows.session)
    assert rows.at.max() <= (NOW - timedelta(days=7)).timestamp()
    assert 0.05 < rows.labels.mean() < 0.4
    earlier, later, cut = training.split_returning(rows, label_seconds=7 * 86400)
    assert set(earlier.session).isdisjoint(later.session)
    assert earlier.at.max() + 7 * 86400 < cut <= later.at.min()


def test_scores_come_with_reasons_once_a_day_and_leave_with_the_consent(client: Client) -> None:
    assert "No churn model serves yet" in viewers_score(now=NOW).words
    viewers = audience(title := film())
    report = training.train("churn", as_of=NOW, parameters=SMALL)
    assert report.status == "promoted", report.verdict
    registry.forget_loaded()
    PlaybackSession.objects.filter(viewer=viewers[2], started_at__gte=NOW - timedelta(days=12)).delete()
    PlaybackSession.objects.bulk_create([came(viewers[2], title, NOW - timedelta(days=6)), came(viewers[0], title, NOW - timedelta(days=1))])
    first = viewers_score(now=NOW)
    assert viewers_score(now=NOW + timedelta(minutes=5)).viewers == first.viewers == ChurnScore.objects.count() > 20
    faithful, fading = ChurnScore.objects.get(viewer=viewers[1]), ChurnScore.objects.get(viewer=viewers[2])
    assert faithful.risk < 0.2 < fading.risk
    assert "Last here 6.0 days ago" in [one["words"] for one in fading.reasons]
    assert [one["effect"] for one in fading.reasons] == sorted((one["effect"] for one in fading.reasons), reverse=True)
    assert not ChurnScore.objects.filter(viewer=viewers[0]).exists()

    watched = served.load(since=NOW, until=NOW + timedelta(days=1), as_of=NOW + timedelta(days=8), most=1000)
    assert len(watched) == first.viewers
    assert set(watched.labels) == {1.0}
    assert np.isnan(served.load(since=NOW, until=NOW + timedelta(days=1), as_of=NOW + timedelta(days=1), most=1000).labels).all()

    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/admin/engagement/churnscore/?risk=at")
    assert page.status_code == 200
    listed = client.get("/admin/engagement/churnscore/").text
    assert "Last here 6.0 days ago" in listed
    assert client.get(f"/admin/engagement/playbacksession/?viewer__id__exact={fading.viewer_id}").status_code == 200
    one = client.get(f"/admin/engagement/churnscore/{fading.pk}/change/")
    assert "Raises the log-odds by" in one.text

    viewer_update(viewer=viewers[2], ads_consent=False)
    assert not ChurnScore.objects.filter(viewer=viewers[2]).exists()
    Viewer.objects.filter(pk=viewers[1].pk).update(ads_consent=False)
    viewers_score(now=NOW + timedelta(hours=1))
    assert not ChurnScore.objects.filter(viewer=viewers[1]).exists()
