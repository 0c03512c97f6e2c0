"""Each check of validity in a sentence, at its boundary."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from adplatform.eventlog import ids
from adplatform.eventlog.envelope import AD_TYPES, Event
from ads import validity
from ads.validity import limits
from tests.ads.inventory import NOW

SHOWN = {"ad.impression": NOW}


def event(kind: str, seconds: float = 0.0, **more: Any) -> Event:
    at = NOW + timedelta(seconds=seconds)
    fields: dict[str, Any] = {"id": ids.new_id(NOW), "type": kind, "occurred_at": at, "received_at": at, "session": uuid.uuid4(), "ua_hash": "a"}
    return Event(**(fields | more))


def facts(**changes: Any) -> validity.SlotFacts:
    fields: dict[str, Any] = {"ad_seconds": 10.0, "at": dict(SHOWN), "decided_at": NOW - timedelta(seconds=30)}
    return validity.SlotFacts(**(fields | changes))


def reason(one: Event, **changes: Any) -> str:
    return validity.judge(one, facts(**changes)).reason


def test_every_check_has_words_and_every_event_type_is_judged() -> None:
    assert {check.name for check in validity.CHECKS} <= set(validity.REASONS)
    assert {reason(event(kind, 20), decided_at=None) for kind in AD_TYPES} == {""}


def test_what_the_edge_knew_comes_first_and_is_final() -> None:
    assert validity.judge(event("ad.click", invalid="crawler"), facts(at={})) == validity.Verdict("crawler", final=True)


def test_an_event_of_a_flight_that_does_not_exist_never_counts() -> None:
    assert reason(event("ad.impression"), flight_known=False) == "unknown_flight"


@pytest.mark.parametrize(("ahead", "found"), [(limits.MOST_AHEAD, ""), (limits.MOST_AHEAD + timedelta(seconds=1), "future_time")])
def test_a_clock_may_be_minutes_ahead(ahead: timedelta, found: str) -> None:
    assert reason(event("ad.impression", received_at=NOW - ahead)) == found


@pytest.mark.parametrize(("behind", "found"), [(limits.LATEST, ""), (limits.LATEST + timedelta(seconds=1), "late")])
def test_what_a_player_kept_for_a_day_counts_and_what_is_older_does_not(behind: timedelta, found: str) -> None:
    assert reason(event("ad.impression", received_at=NOW + behind)) == found


def test_another_browser_than_the_decisions_does_not_count_and_an_unknown_one_gives_no_verdict() -> None:
    assert reason(event("ad.impression"), decision_agent="b") == "other_user_agent"
    assert reason(event("ad.impression"), decision_agent="a") == ""
    assert reason(event("ad.impression"), decision_agent="") == ""
    assert reason(event("ad.impression", ua_hash=""), decision_agent="b") == ""


@pytest.mark.parametrize(
    ("kind", "rate", "most", "name"),
    [
        ("ad.impression", "by_viewer", limits.IMPRESSIONS_A_VIEWER, "viewer_rate"),
        ("ad.click", "by_viewer", limits.CLICKS_A_VIEWER, "viewer_rate"),
        ("ad.impression", "from_address", limits.IMPRESSIONS_AN_ADDRESS, "address_rate"),
        ("ad.click", "from_address", limits.CLICKS_AN_ADDRESS, "address_rate"),
    ],
)
def test_more_in_a_minute_than_a_person_or_a_household_can_do_does_not_count(kind: str, rate: str, most: int, name: str) -> None:
    assert reason(event(kind, 5), **{rate: most}) == ""
    assert validity.judge(event(kind, 5), facts(**{rate: most + 1})) == validity.Verdict(name, final=True)


@pytest.mark.parametrize(("after", "found"), [(-1.0, "before_impression"), (0.0, "click_too_fast"), (0.29, "click_too_fast"), (0.3, "")])
def test_a_click_comes_after_its_impression_by_more_than_a_reflex(after: float, found: str) -> None:
    assert reason(event("ad.click", after)) == found


def test_a_click_and_a_quartile_without_an_impression_wait_for_it() -> None:
    assert validity.judge(event("ad.click", 5), facts(at={})) == validity.Verdict("click_without_impression", final=False)
    assert validity.judge(event("ad.midpoint", 5), facts(at={})) == validity.Verdict("without_impression", final=False)


@pytest.mark.parametrize(("kind", "least"), [("ad.first_quartile", 2.0), ("ad.midpoint", 4.0), ("ad.third_quartile", 6.0), ("ad.complete", 8.0)])
def test_a_part_of_an_ad_takes_nearly_as_long_as_it_plays(kind: str, least: float) -> None:
    assert [reason(event(kind, least)), reason(event(kind, least - 0.1))] == ["", "faster_than_the_ad"]


def test_an_ad_of_unknown_length_cannot_be_watched_too_fast() -> None:
    assert reason(event("ad.complete", 1.0), ad_seconds=0.0) == ""


def test_by_the_servers_clock_an_ad_is_not_over_before_it_could_have_played_whatever_the_client_says() -> None:
    told = event("ad.complete", 60, received_at=NOW + timedelta(seconds=7.9))
    assert validity.judge(told, facts(decided_at=NOW)) == validity.Verdict("faster_than_the_ad", final=True)
    assert reason(event("ad.complete", 60, received_at=NOW + timedelta(seconds=8)), decided_at=NOW) == ""


def test_a_quartile_before_the_impression_or_before_an_earlier_quartile_did_not_happen() -> None:
    assert reason(event("ad.first_quartile", -1)) == "before_impression"
    seen = SHOWN | {"ad.midpoint": NOW + timedelta(seconds=9)}
    assert reason(event("ad.third_quartile", 8), at=seen) == "out_of_order"
    assert reason(event("ad.third_quartile", 9), at=seen) == ""
    assert reason(event("ad.first_quartile", 9.5), at=seen) == ""


def test_nothing_is_seen_of_an_ad_after_it_was_skipped() -> None:
    skipped = SHOWN | {"ad.skip": NOW + timedelta(seconds=6)}
    assert [reason(event("ad.complete", 10), at=skipped), reason(event("ad.midpoint", 5), at=skipped)] == ["after_skip", ""]


def test_what_happened_before_the_decision_is_judged_by_the_corrected_clock_alone() -> None:
    early, decided = event("ad.impression", -301), facts(decided_at=NOW)
    assert validity.judge(early, decided) == validity.Verdict("", final=False)
    assert validity.judge_for_good(early, decided) == "before_decision"
    assert validity.judge_for_good(event("ad.impression", -299), decided) == ""


def test_only_events_that_others_can_contradict_wait() -> None:
    waiting = {kind for kind in AD_TYPES if not validity.judge(event(kind, 20), facts(decided_at=None)).final}
    assert waiting == set(validity.ORDERED)


@pytest.mark.parametrize(("seconds", "found"), [(1.7, "viewable_too_soon"), (1.8, ""), (2.0, ""), (400.0, "")])
def test_an_ad_is_in_view_two_seconds_after_it_was_shown_at_the_soonest(seconds: float, found: str) -> None:
    assert reason(event("ad.viewable", seconds)) == found


def test_an_ad_that_was_not_shown_or_was_skipped_is_not_in_view() -> None:
    assert validity.judge(event("ad.viewable", 3), facts(at={})) == validity.Verdict("without_impression", final=False)
    assert reason(event("ad.viewable", 6), at={**SHOWN, "ad.skip": NOW + timedelta(seconds=5)}) == "after_skip"
    assert reason(event("ad.viewable", 4), at={**SHOWN, "ad.skip": NOW + timedelta(seconds=5)}) == ""
