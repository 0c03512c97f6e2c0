"""Whom a flight reaches: the masks say what the rules say, one flight at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ads.decision.explanation import NAMES, REASONS
from ads.decision.inventory import TARGETABLE, FlightRow, Inventory, Target
from ads.decision.request import CONSENT_ATTRIBUTES, AdRequest
from ads.decision.targeting import REASONS_OF, first_failures

from .rows import NOW, exclude, flight, include, inventories, inventory, request, requests


def first_reason(stock: Inventory, asked: AdRequest) -> list[str | None]:
    """For each flight the first rule that it fails."""
    return [NAMES[code] if code else None for code in first_failures(stock, asked, NOW.timestamp()).tolist()]


def says(asked: AdRequest, key: str) -> set[Any] | None:
    """What the request tells of an attribute, None when it is withheld or unknown."""
    name = TARGETABLE[key]
    value = getattr(asked, name)
    if name in CONSENT_ATTRIBUTES and not asked.consent:
        return None
    if key == "segments":
        return None if value is None else set(value)
    return (set(value) if isinstance(value, tuple) else {value}) if value not in (None, "", ()) else None


def reference(row: FlightRow, asked: AdRequest) -> str | None:
    for key in TARGETABLE:
        wanted = [set(target.include[key]) for target in row.targets if key in target.include]
        unwanted = {value for target in row.targets for value in target.exclude.get(key, ())}
        told = says(asked, key)
        if told is None and (wanted or unwanted):
            return "attribute_withheld"
        if told is not None and any(not told & values for values in wanted):
            return REASONS_OF[key][0]
        if told is not None and told & unwanted:
            return REASONS_OF[key][1]
    return None


@given(inventories(), requests, requests)
def test_masks_say_what_the_rules_say_of_each_flight(stock: Inventory, asked: AdRequest, before: AdRequest) -> None:
    first_reason(stock, before)
    expected = [reference(row, asked) for row in stock.flights]
    assert first_reason(stock, asked) == first_reason(stock, asked) == expected


def test_every_rule_has_its_own_reason_in_words() -> None:
    codes = [code for pair in REASONS_OF.values() for code in pair]
    assert len(set(codes)) == 2 * len(TARGETABLE)
    assert set(codes) <= REASONS.keys()


@pytest.mark.parametrize(
    ("target", "changes", "reason"),
    [
        (include(titles=[2]), {}, "title_not_targeted"),
        (exclude(titles=[1]), {}, "title_excluded"),
        (include(genres=["comedy"]), {}, "genre_not_targeted"),
        (exclude(tags=["crash"]), {"tags": ("city", "crash")}, "tag_excluded"),
        (exclude(tags=["crash"]), {"tags": ()}, "attribute_withheld"),
        (include(dayparts=[6, 7]), {}, "outside_daypart"),
        (include(age_bands=["18-24"]), {"consent": True, "age_band": "55+"}, "age_not_targeted"),
        (exclude(age_bands=["18-24"]), {"consent": True, "age_band": "18-24"}, "age_excluded"),
        (include(age_bands=["18-24"]), {"consent": False, "age_band": "18-24"}, "attribute_withheld"),
        (exclude(age_bands=["18-24"]), {"consent": False, "age_band": "55+"}, "attribute_withheld"),
        (exclude(countries=["US"]), {"country": None}, "attribute_withheld"),
        (include(segments=["fans"]), {"consent": True, "segments": ()}, "segment_not_targeted"),
        (exclude(segments=["fans"]), {"consent": True, "segments": None}, "attribute_withheld"),
    ],
)
def test_targeting_that_does_not_match_says_so(target: Target, changes: dict[str, object], reason: str) -> None:
    stock = inventory(flight(1, targets=(target,)), flight(2))
    assert first_reason(stock, request(**changes)) == [reason, None]


def test_a_flight_narrows_what_its_campaign_wants() -> None:
    stock = inventory(flight(1, targets=(include(genres=["drama"]), include(genres=["comedy"]))), flight(2, targets=(include(genres=["drama"]),)))
    assert first_reason(stock, request(genres=("drama",))) == ["genre_not_targeted", None]
    assert first_reason(stock, request(genres=("drama", "comedy"))) == [None, None]


def test_excluding_a_segment_reaches_viewers_who_are_in_none() -> None:
    stock = inventory(flight(1, targets=(exclude(segments=["fans"]),)))
    assert first_reason(stock, request(consent=True, segments=())) == [None]
