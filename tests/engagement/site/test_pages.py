"""Browse, search, title and watch pages over the real test films."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from adplatform.eventlog import ids
from catalog.models import MediaAsset
from engagement import services
from engagement.models import PlaybackSession, Rating, Viewer
from engagement.site import shelves
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


def _begin(viewer: Viewer, films: Films) -> PlaybackSession:
    scene = films.pattern.scenes.order_by("position")[1]
    return PlaybackSession.objects.create(
        id=ids.new_id(NOW),
        viewer=viewer,
        title=films.pattern,
        hour=18,
        started_at=NOW,
        last_seen_at=NOW,
        resume_scene=scene.pk,
        resume_offset=2,
        progress=0.4,
    )


def _profile(client: Client) -> Viewer:
    client.post("/profiles/new/", {"name": "Mira", "colour": "#F25C54", "tier": "ads", "monthly_hours": "10"})
    return Viewer.objects.get()


def _unready(films: Films) -> None:
    asset = films.bars.scenes.get(position=1).asset
    assert asset is not None
    MediaAsset.objects.filter(pk=asset.pk).update(state=MediaAsset.State.BUILDING)


def test_an_empty_catalogue_says_what_to_do(client: Client) -> None:
    assert b"seed_catalogue" in client.get("/").content


def test_the_browse_page_shows_every_title(client: Client, films: Films) -> None:
    page = client.get("/").content.decode()
    assert "Test Pattern" in page
    assert "Colour Bars" in page
    assert "Make a profile" in page


def test_a_title_being_prepared_says_so_and_cannot_be_played(client: Client, films: Films) -> None:
    _unready(films)
    assert "Being prepared" in client.get("/").content.decode()
    watch = client.get("/watch/colour-bars/")
    assert watch.status_code == 503
    assert "is being prepared" in watch.content.decode()
    assert client.get("/search/readiness/").json() == {"ready": ["test-pattern"]}


def test_what_was_begun_comes_back_in_a_row_of_its_own_and_on_the_watch_page(client: Client, films: Films) -> None:
    _begin(_profile(client), films)
    page = client.get("/").content.decode()
    assert "Continue watching" in page
    assert 'value="40"' in page
    watch = client.get("/watch/test-pattern/").content.decode()
    assert "Start over" in watch
    assert "You stopped in “Green”" in watch


def test_a_finished_film_is_not_offered_to_continue(client: Client, films: Films) -> None:
    session = _begin(_profile(client), films)
    session.ended_at = NOW
    session.save()
    assert "Continue watching" not in client.get("/").content.decode()


@pytest.mark.parametrize("query", ["pattern", "TEST", "drama", "chase", "a test film"])
def test_search_finds_by_name_genre_mood_and_synopsis(client: Client, films: Films, query: str) -> None:
    assert "Test Pattern" in client.get("/", {"q": query}).content.decode()
    assert "Test Pattern" in [result["name"] for result in client.get("/search/suggest/", {"q": query}).json()["results"]]


def test_search_puts_names_before_synopses(films: Films) -> None:
    films.bars.synopsis = "Nothing like a pattern"
    films.bars.position = -1 if films.pattern.position else 0
    films.bars.save()
    assert [card.title.name for card in shelves.search("pattern")] == ["Test Pattern", "Colour Bars"]


@pytest.mark.parametrize("query", ["est", "\x00", "(", "[", "\\m", "*", "a" * 500])
def test_no_search_breaks_the_page_and_words_match_from_their_beginning(client: Client, films: Films, query: str) -> None:
    assert client.get("/search/suggest/", {"q": query}).json()["results"] == []
    assert client.get("/", {"q": query}).status_code == 200


def test_an_empty_search_answer_offers_genres(client: Client, films: Films) -> None:
    page = client.get("/", {"q": "zzz"}).content.decode()
    assert "Nothing for" in page
    assert "?q=Comedy" in page


def test_what_is_asked_for_is_escaped(client: Client) -> None:
    assert "<script>alert" not in client.get("/", {"q": "<script>alert(1)</script>"}).content.decode()


def test_the_title_page_shows_scenes_moods_and_the_rating(client: Client, films: Films) -> None:
    services.title_rate(viewer=_profile(client), title=films.pattern, stars=4, now=NOW)
    page = client.get("/title/test-pattern/").content.decode()
    for words in ("Opener", "chase", "4.0 of 5 from 1 rating", "More like this"):
        assert words in page
    part = client.get("/title/test-pattern/", {"part": "detail"}).content.decode()
    assert "<html" not in part
    assert "Opener" in part


def test_a_rating_can_be_changed_and_counts_once(client: Client, films: Films) -> None:
    _profile(client)
    client.post("/title/test-pattern/rate/", {"stars": "2"})
    answer = client.post("/title/test-pattern/rate/", {"stars": "5"}, headers={"Accept": "application/json"})
    assert answer.json() == {"stars": 5}
    assert [rating.stars for rating in Rating.objects.all()] == [5]
    assert client.post("/title/test-pattern/rate/", {"stars": "6"}).status_code == 400


def test_after_rating_one_is_not_sent_to_another_site(client: Client, films: Films) -> None:
    answer = client.post("/title/test-pattern/rate/", {"stars": "2", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/title/test-pattern/"


def test_many_words_in_a_search_cost_no_more_than_their_number(films: Films) -> None:
    assert [card.title.name for card in shelves.search("test pattern drama chase test pattern drama chase")] == ["Test Pattern"]


def test_pressing_play_in_a_new_session_goes_on_with_the_guest_there_is(client: Client, films: Films) -> None:
    for _ in range(2):
        client.get("/watch/test-pattern/")
        client.session.flush()
        del client.cookies["sessionid"]
    assert [viewer.name for viewer in Viewer.objects.all()] == ["Guest"]


def test_an_owner_with_all_the_profiles_there_may_be_can_press_play(client: Client, films: Films) -> None:
    first = _profile(client)
    for number in range(1, services.MOST_PROFILES):
        services.viewer_create(actor=None, browser=first.browser, name=f"Nr {number}")
    del client.cookies["sessionid"]
    assert client.get("/watch/test-pattern/").status_code == 200
    assert client.session["viewer"] == str(first.pk)


def test_pressing_play_without_a_profile_makes_a_guest_who_keeps_the_place(client: Client, films: Films) -> None:
    response = client.get("/watch/test-pattern/")
    guest = Viewer.objects.get()
    assert (guest.name, guest.ads_consent) == ("Guest", False)
    assert client.session["viewer"] == str(guest.pk)
    assert response.headers["Cache-Control"] == "no-store"
    client.get("/watch/test-pattern/")
    assert Viewer.objects.count() == 1


def test_no_page_needs_inline_script_or_style(client: Client, films: Films) -> None:
    for path in ("/", "/?q=test", "/title/test-pattern/", "/watch/test-pattern/", "/profiles/", "/profiles/new/", "/accounts/login/"):
        page = client.get(path).content.decode()
        assert " style=" not in page, path
        assert "<style" not in page, path
        assert " onclick=" not in page, path


def test_next_up_are_playable_and_nearest_first(films: Films) -> None:
    cards = [shelves.card_of(title) for title in shelves.published_titles()]
    first = next(card for card in cards if card.title.slug == "test-pattern")
    assert [card.title.slug for card in shelves.next_up(first, cards)] == ["colour-bars"]
    _unready(films)
    cards = [shelves.card_of(title) for title in shelves.published_titles()]
    assert shelves.next_up(first, cards) == []
