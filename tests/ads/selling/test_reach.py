"""Whom targeting can reach at all."""

from __future__ import annotations

from typing import Any

import pytest

from ads.ctr.features import DEVICES
from ads.selling.reach import TitleFacts, contradictions, covers, overlap, reachable

DRAMA = TitleFacts(
    1, "Ember Coast", frozenset({"drama", "crime"}), "PG-13", (("storm", frozenset({"rain"})), ("calm", frozenset())), frozenset({"mid"}), 1_000_000
)
FAMILY = TitleFacts(2, "Winterline", frozenset({"family"}), "G", (("day", frozenset({"snow"})),), frozenset({"pre", "mid"}), 2_000_000)


def include(**keys: Any) -> dict[str, Any]:
    return {"include": keys}


def exclude(**keys: Any) -> dict[str, Any]:
    return {"exclude": keys}


@pytest.mark.parametrize(
    ("campaign", "flight", "words"),
    [
        (include(devices=["tv"]), include(devices=["mobile"]), "different devices"),
        (exclude(devices=list(DEVICES)), include(devices=["mobile"]), "every device it includes is excluded"),
        (exclude(devices=["tv"]), exclude(devices=["desktop", "mobile", "tablet"]), "it excludes every device"),
        (include(weekdays=[0, 1]), {"include": {"weekdays": [1, 2]}, "exclude": {"weekdays": [1]}}, "both include are excluded"),
        ({}, {"include": {"genres": ["drama"]}, "exclude": {"genres": ["drama"]}}, "every genre it includes is excluded"),
    ],
)
def test_a_flight_that_reaches_nobody_is_told_why(campaign: dict[str, Any], flight: dict[str, Any], words: str) -> None:
    assert words in " ".join(contradictions([campaign, flight]))


def test_a_title_may_have_the_campaigns_genre_and_the_flights() -> None:
    assert not list(contradictions([include(genres=["drama"]), include(genres=["crime"])]))
    assert reachable([DRAMA, FAMILY], [include(genres=["drama"]), include(genres=["crime"])]) == [DRAMA]


@pytest.mark.parametrize(
    ("targeting", "titles"),
    [
        ({}, [DRAMA, FAMILY]),
        (include(maturity=["G"]), [FAMILY]),
        (exclude(titles=[2]), [DRAMA]),
        ({"include": {"moods": ["storm"], "tags": ["rain"]}}, [DRAMA]),
        ({"include": {"moods": ["calm"], "tags": ["rain"]}}, []),
        (include(break_positions=["pre"]), [FAMILY]),
        (include(break_positions=["post"]), []),
        ({"include": {"genres": ["family"]}, "exclude": {"tags": ["snow"]}}, []),
    ],
)
def test_the_titles_left_have_a_scene_after_which_a_break_could_match(targeting: dict[str, Any], titles: list[TitleFacts]) -> None:
    assert reachable([DRAMA, FAMILY], [targeting]) == titles


def test_targeting_covers_what_is_narrower_and_overlaps_what_it_shares_viewers_with() -> None:
    everybody: dict[str, Any] = {}
    evenings, nights, tv = include(dayparts=[19, 20, 21]), include(dayparts=[22, 23]), include(devices=["tv"])
    assert covers([everybody], [evenings])
    assert not covers([evenings], [everybody])
    assert covers([include(dayparts=[18, 19, 20, 21])], [evenings])
    assert covers([exclude(devices=["mobile"])], [tv])
    assert not covers([exclude(devices=["tv"])], [tv])
    assert not overlap([evenings], [nights])
    assert overlap([evenings], [tv])
