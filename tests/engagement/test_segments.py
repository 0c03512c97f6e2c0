"""Viewers are sorted into segments by what they do, with consent alone; what was drawn from their doings goes with the consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from ads import vocabulary
from ads.models import AdEvent
from catalog.models import Title
from engagement import services
from engagement.models import PlaybackSession, Viewer
from engagement.segmenting import sort_viewers
from engagement.segments import Habits, segments_of
from tests.media import Films

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("habits", "segments"),
    [
        (Habits(days_known=3), ["new_viewers"]),
        (Habits(days_known=90), []),
        (Habits(days_known=90, sessions=3, weekend=3, finished=3), []),
        (Habits(days_known=90, sessions=6, weekend=4, finished=4), ["finishers", "weekend_viewers"]),
        (Habits(days_known=90, sessions=9, most_on_a_day=3, evening=6), ["binge_watchers", "night_viewers"]),
        (Habits(days_known=90, sessions=7, genres={"drama": 4, "comedy": 3}), ["genre_drama_fans"]),
        (Habits(days_known=90, impressions=10, completes=9, clicks=2), ["ad_engaged", "ad_patient"]),
        (Habits(days_known=90, impressions=20, completes=17, clicks=1), []),
    ],
)
def test_segments_follow_from_habits(habits: Habits, segments: list[str]) -> None:
    assert segments_of(habits) == segments


def session(viewer: Viewer, started: datetime, *, ended: bool = True) -> None:
    PlaybackSession.objects.create(
        id=ids.new_id(started), viewer=viewer, title=Title.objects.get(slug="test-pattern"), hour=started.hour, started_at=started,
        last_seen_at=started, ended_at=started + timedelta(minutes=1) if ended else None,
    )  # fmt: skip


@pytest.fixture
def ada(films: Films) -> Viewer:
    """Watches three films on a Saturday morning and one on Sunday."""
    viewer = Viewer.objects.create(name="Ada", ads_consent=True)
    Viewer.objects.update(created_at=NOW - timedelta(days=60))
    for hours in (5, 6, 7, 31):
        session(viewer, datetime(2026, 6, 6, 0, tzinfo=UTC) + timedelta(hours=hours))
    return viewer


@pytest.mark.django_db
def test_viewers_are_sorted_by_their_sessions_and_ads_of_four_weeks(ada: Viewer) -> None:
    other = Viewer.objects.create(name="Ben", ads_consent=True)
    decided = NOW - timedelta(hours=1)
    ensure_partitions({decided.date()})
    for number in range(2):
        AdEvent.objects.create(
            id=ids.new_id(decided), day=decided.date(), type="ad.click", occurred_at=decided, received_at=decided, decision=ids.new_id(decided),
            slot=number, session=ids.new_id(decided), viewer=ada.pk, ad=1, flight=1, campaign=1, price_micros=0,
        )  # fmt: skip
    assert sort_viewers(now=NOW) == 2
    ada.refresh_from_db()
    other.refresh_from_db()
    assert ada.segments == ["ad_engaged", "binge_watchers", "finishers", "genre_drama_fans", "weekend_viewers"]
    assert other.segments == ["new_viewers"]
    assert sort_viewers(now=NOW) == 0, "a second run finds nothing to change"
    assert sort_viewers(now=NOW + timedelta(days=40)) == 1, "habits are forgotten after four weeks"


@pytest.mark.django_db
def test_days_are_those_of_the_viewers_zone(ada: Viewer) -> None:
    Viewer.objects.filter(pk=ada.pk).update(timezone="Pacific/Honolulu")  # ten hours behind: the three films were opened on Friday
    sort_viewers(now=NOW)
    ada.refresh_from_db()
    assert "weekend_viewers" not in (ada.segments or [])


@pytest.mark.django_db
def test_without_consent_there_are_no_segments(ada: Viewer) -> None:
    sort_viewers(now=NOW)
    ada.refresh_from_db()
    services.viewer_update(viewer=ada, ads_consent=False)
    assert Viewer.objects.get(pk=ada.pk).segments is None
    assert sort_viewers(now=NOW) == 0
    Viewer.objects.update(segments=["binge_watchers"])
    assert sort_viewers(now=NOW) == 1
    assert Viewer.objects.get(pk=ada.pk).segments is None


@pytest.mark.django_db
def test_ad_targeting_knows_every_segment(films: Films) -> None:
    known = vocabulary.segments()
    assert known["binge_watchers"] == "Opened three films or more on one day"
    assert known["genre_drama_fans"] == "Fans of Drama"
