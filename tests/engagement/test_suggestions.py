"""A suggestion is a film that can be watched, was not just seen, and is worth opening to this viewer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import ids
from catalog.models import MediaAsset
from engagement import suggestions
from engagement.models import PlaybackSession, Viewer
from engagement.suggestions import Known, Seen, rank, suggestion_for
from tests.media import Films

DRAMA, COMEDY = frozenset({1}), frozenset({2})
KNOWN = Known(
    genres={1: DRAMA, 2: DRAMA, 3: COMEDY, 4: COMEDY},
    names={number: (str(number), f"Film {number}") for number in range(1, 5)},
    finished={1: (100, 60.0), 2: (100, 70.0), 3: (100, 65.0), 4: (100, 20.0)},
    followed={(1, 3): 40, (1, 2): 10},
)
NOW = datetime.now(UTC)


def best(**asked: object) -> list[int]:
    return [one.title for one in rank(KNOWN, **({"title": 1, "seen": (), "recent": ()} | asked))]  # type: ignore[arg-type]


def test_without_taste_what_viewers_went_on_to_and_watched_comes_first() -> None:
    assert best() == [3, 2, 4]
    assert rank(KNOWN, title=1, seen=(), recent=())[0].reason == "63% of it is usually watched, and viewers of this film went on to it 40 times."


def test_the_surest_film_is_the_one_watched_the_most_of() -> None:
    assert best(surest=True)[0] == 2


def test_taste_moves_what_is_expected_and_few_films_move_it_little() -> None:
    comedies = [Seen(3, 1.0), Seen(4, 1.0)]
    assert rank(KNOWN, title=1, seen=comedies * 5, recent=())[0].title == 3
    few, many = (next(one.watched for one in rank(KNOWN, title=1, seen=comedies * times, recent=()) if one.title == 4) for times in (1, 10))
    assert 0.25 < few < many


@given(st.sets(st.integers(1, 4)), st.integers(1, 4), st.booleans())
def test_neither_the_film_itself_nor_what_was_just_seen_is_suggested(recent: set[int], title: int, surest: bool) -> None:  # noqa: FBT001
    assert {one.title for one in rank(KNOWN, title=title, seen=(), recent=recent, surest=surest)} == {1, 2, 3, 4} - recent - {title}


def playback(films: Films, viewer: Viewer | None, *, bars: bool = False, days_ago: float = 0.0) -> PlaybackSession:
    at = NOW - timedelta(days=days_ago, minutes=5)
    title = films.bars if bars else films.pattern
    return PlaybackSession.objects.create(
        id=ids.new_id(at), viewer=viewer, title=title, device="tv", hour=20, consent=viewer is not None, started_at=at, last_seen_at=at, progress=0.9
    )


@pytest.mark.django_db
def test_what_is_suggested_can_be_watched_and_was_not_just_seen(films: Films) -> None:
    suggestions.forget()
    viewer = Viewer.objects.create(name="Ada", ads_consent=True)
    session = playback(films, viewer)
    found = suggestion_for(session, now=NOW)
    assert found is not None
    assert (found.title, found.name) == (films.bars.pk, films.bars.name)
    playback(films, viewer, bars=True, days_ago=20)
    assert "1 film alike" in (again.reason if (again := suggestion_for(session, now=NOW)) else "")
    Viewer.objects.filter(pk=viewer.pk).update(ads_consent=False)
    assert "usually watched" in (told.reason if (told := suggestion_for(PlaybackSession.objects.get(pk=session.pk), now=NOW)) else "")
    playback(films, viewer, bars=True, days_ago=1)
    assert suggestion_for(session, now=NOW) is None
    MediaAsset.objects.filter(key="colour-bars-s2").update(state="broken")
    suggestions.forget()
    assert suggestion_for(playback(films, None), now=NOW) is None
    suggestions.forget()
