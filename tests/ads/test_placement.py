"""Where a title's breaks are told to be before anybody watches it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ads.decision.load import HOUR_SECONDS, Policy
from ads.placement import FilmScene, PlacedBreak, placed

FILM = [FilmScene(60.0, break_after=True), FilmScene(60.0), FilmScene(60.0, optional=True), FilmScene(60.0, break_after=True), FilmScene(60.0)]

films = st.lists(st.builds(FilmScene, st.floats(1, 900), st.booleans(), st.booleans()), max_size=30)
policies = st.builds(
    Policy,
    pre_roll=st.booleans(),
    mid_rolls=st.booleans(),
    post_roll=st.booleans(),
    most_breaks=st.none() | st.integers(0, 5),
    spacing_seconds=st.floats(0, 600),
    break_seconds=st.floats(5, 120),
    seconds_per_hour=st.floats(0, 900),
    long_watch_seconds=st.none() | st.floats(60, 1800),
    ad_free_seconds=st.floats(0, 1800),
)


def at(breaks: tuple[PlacedBreak, ...]) -> list[tuple[str, str, int, float]]:
    return [(one.id, one.position, one.index, one.offset) for one in breaks]


def test_breaks_stand_where_the_author_allows_them_in_the_film_without_its_optional_scenes() -> None:
    assert at(placed(FILM, Policy())) == [("b1", "mid", 0, 60.0), ("b3", "mid", 1, 180.0)]
    whole = placed(FILM, Policy(pre_roll=True, post_roll=True, break_seconds=20, break_ads=3))
    assert at(whole) == [("b0", "pre", 0, 0.0), ("b1", "mid", 1, 60.0), ("b3", "mid", 2, 180.0), ("b4", "post", 3, 240.0)]
    assert {(one.seconds, one.ads) for one in whole} == {(20, 3)}
    assert [one.progress for one in whole] == [0, 0.25, 0.75, 1]


def test_what_the_policy_leaves_out_is_not_told() -> None:
    assert at(placed(FILM, Policy(mid_rolls=False, post_roll=True))) == [("b4", "post", 2, 240.0)]
    assert at(placed(FILM, Policy(most_breaks=1))) == [("b1", "mid", 0, 60.0)]
    assert at(placed(FILM, Policy(pre_roll=True, spacing_seconds=100))) == [("b0", "pre", 0, 0.0), ("b3", "mid", 2, 180.0)]


def test_the_last_break_of_an_hour_is_as_long_as_the_hour_still_carries() -> None:
    breaks = placed(FILM, Policy(pre_roll=True, post_roll=True, break_seconds=30, seconds_per_hour=70))
    assert [(one.id, one.seconds) for one in breaks] == [("b0", 30), ("b1", 30), ("b3", 10)]


def test_a_film_of_nothing_has_no_breaks() -> None:
    assert placed([], Policy(pre_roll=True)) == placed([FilmScene(5.0, optional=True)], Policy(pre_roll=True)) == ()


@given(films, policies)
def test_no_viewer_who_watches_it_all_meets_more_than_the_policy_allows(film: list[FilmScene], policy: Policy) -> None:
    breaks = placed(film, policy)
    assert [one.offset for one in breaks] == sorted(one.offset for one in breaks)
    assert len({one.id for one in breaks}) == len(breaks) <= (len(film) if policy.most_breaks is None else policy.most_breaks) + 2
    assert all(after.offset - before.offset >= policy.spacing_seconds - 1e-6 for before, after in pairwise(breaks))
    shown, clock = [], 0.0
    for one in breaks:
        shown.append((one.offset + clock, one.seconds))
        clock += one.seconds
    for moment, _ in shown:
        assert sum(seconds for at, seconds in shown if moment - HOUR_SECONDS < at <= moment) <= policy.seconds_per_hour + 1e-6
