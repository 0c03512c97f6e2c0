"""How often a viewer may be served: each cap counts what it says, with consent and without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision import caps
from ads.decision.inventory import LIFETIME, POD, STREAM, CapRow, Inventory, Rows, compile_inventory, scope_id
from ads.decision.request import AdRequest
from ads.decision.state import DeliveryState, Seen

from .rows import CATEGORIES, NOW, SCOPES, ad, flight, inventories, inventory, request, requests

MOMENT = NOW.timestamp()
WITH_CONSENT = request(consent=True, viewer=request().session)
seen_entries = st.lists(
    st.builds(
        Seen,
        st.floats(0, 2_000_000).map(lambda ago: MOMENT - ago),
        st.integers(10, 50),
        st.integers(1, 5),
        st.integers(1, 4),
        st.integers(1, 4),
        st.sampled_from(CATEGORIES),
    ),
    max_size=12,
).map(tuple)
lifetimes = st.dictionaries(st.builds(lambda scope, number: f"{scope}:{number}", st.sampled_from(SCOPES), st.integers(1, 5)), st.integers(1, 4))


def state(stock: Inventory, **changes: Any) -> DeliveryState:
    return replace(DeliveryState.empty(len(stock.flights)), **changes)


def seen(times: int, *, ago: float = 100.0) -> tuple[Seen, ...]:
    return tuple(Seen(MOMENT - ago, 1, 1, 1, 1, "travel") for _ in range(times))


def stopped(stock: Inventory, asked: AdRequest, **changes: Any) -> list[bool]:
    return caps.reached(stock, asked, state(stock, **changes), MOMENT).tolist()  # type: ignore[no-any-return]


def reference(cap: CapRow, entity: int, asked: AdRequest, at: DeliveryState) -> bool:
    """Whether one cap is reached, counted one serving after the other."""
    known = asked.consent and asked.viewer is not None

    def served(entries: tuple[Seen, ...], seconds: float) -> int:
        return sum(getattr(entry, cap.scope) == entity and entry.at > MOMENT - seconds for entry in entries)

    if cap.per == POD:
        return False
    if cap.per == STREAM:
        return served(at.stream if known else at.stream or at.seen, float("inf")) >= cap.count
    if known:
        return (at.lifetime.get(f"{cap.scope}:{entity}", 0) if cap.seconds is None else served(at.seen, cap.seconds)) >= cap.count
    if cap.seconds is not None and cap.seconds <= 3600:
        return served(at.seen, cap.seconds) >= cap.count
    return served(at.seen, float("inf")) >= 1


@given(inventories(), requests, seen_entries, seen_entries, lifetimes)
def test_masks_say_what_counting_one_by_one_says(
    stock: Inventory, asked: AdRequest, entries: tuple[Seen, ...], stream: tuple[Seen, ...], lifetime: dict[str, int]
) -> None:
    at = state(stock, seen=entries, stream=stream, lifetime=lifetime)
    expected = [
        any(reference(cap, scope_id(row, cap.scope, ad.id), asked, at) for cap in row.caps)
        for ad in stock.ads
        for row in [stock.flights[stock.flight_row[ad.flight]]]
    ]
    assert caps.reached(stock, asked, at, MOMENT).tolist() == expected


@pytest.mark.parametrize("scope", SCOPES)
def test_a_reached_cap_stops_the_flight_and_a_passed_window_frees_it(scope: str) -> None:
    stock = inventory(flight(1, caps=(CapRow(scope, 2, "minute", 10),)))
    assert stopped(stock, WITH_CONSENT, seen=seen(1)) == [False]
    assert stopped(stock, WITH_CONSENT, seen=seen(2)) == [True]
    assert stopped(stock, WITH_CONSENT, seen=seen(2, ago=601)) == [False]


def test_the_first_view_counts() -> None:
    stock = inventory(flight(1, caps=(CapRow("flight", 1, "day"),)))
    assert stopped(stock, WITH_CONSENT, seen=seen(1)) == [True]


def test_a_campaigns_cap_stops_all_its_flights() -> None:
    cap = CapRow("campaign", 1, "day")
    stock = inventory(flight(1, caps=(cap,)), flight(2, campaign=1, caps=(cap,)), flight(3, caps=(cap,)))
    assert stopped(stock, WITH_CONSENT, seen=seen(1)) == [True, True, False]


def test_a_cap_of_a_playback_counts_this_playback_alone() -> None:
    stock = inventory(flight(1, caps=(CapRow("flight", 2, STREAM),)))
    assert stopped(stock, WITH_CONSENT, seen=seen(5), stream=seen(1)) == [False]
    assert stopped(stock, WITH_CONSENT, seen=seen(5), stream=seen(2)) == [True]
    assert stopped(stock, request(), seen=seen(2), stream=seen(2)) == [True]


def test_a_cap_of_a_lifetime_counts_what_is_long_forgotten() -> None:
    stock = inventory(flight(1, caps=(CapRow("campaign", 5, LIFETIME),)))
    assert stopped(stock, WITH_CONSENT, lifetime={"campaign:1": 4}) == [False]
    assert stopped(stock, WITH_CONSENT, lifetime={"campaign:1": 5}) == [True]


@pytest.mark.parametrize("cap", [CapRow("flight", 5, "week"), CapRow("flight", 5, LIFETIME)])
def test_without_consent_a_cap_longer_than_the_session_allows_one(cap: CapRow) -> None:
    stock = inventory(flight(1, caps=(cap,)))
    assert stopped(stock, request()) == [False]
    assert stopped(stock, request(), seen=seen(1, ago=caps.SESSION_SECONDS + 1)) == [True]


def test_a_strict_flight_does_not_serve_where_caps_cannot_be_counted() -> None:
    day, playback = CapRow("flight", 2, "day"), CapRow("flight", 2, STREAM)
    stock = inventory(flight(1, strict_caps=True, caps=(day,)), flight(2, strict_caps=True, caps=(playback,)), flight(3, caps=(day,)))
    assert caps.uncountable(stock, request()).tolist() == [True, False, False]
    assert not caps.uncountable(stock, WITH_CONSENT).any()


def test_an_ad_comes_back_when_the_policys_gap_has_passed() -> None:
    stock = inventory(flight(1), flight(2))
    asked = request(creative_gap=120.0)
    for ago, expected in ((119, [True, False]), (120, [False, False])):
        assert caps.too_soon(stock, asked, state(stock, seen=seen(1, ago=ago)), MOMENT).tolist() == expected
        assert caps.too_soon(stock, asked, state(stock, stream=seen(1, ago=ago)), MOMENT).tolist() == expected


def test_another_ad_with_the_same_clip_waits_for_the_gap_too() -> None:
    stock = compile_inventory(Rows((flight(1), flight(2), flight(3)), (ad(1, 1, asset=7), ad(2, 2, asset=7), ad(3, 3, asset=1))))
    asked = request(creative_gap=120.0)
    assert caps.too_soon(stock, asked, state(stock, seen=seen(1)), MOMENT).tolist() == [True, True, False]
    assert not caps.too_soon(stock, asked, state(stock, seen=seen(1, ago=120)), MOMENT).any()
    gone = (Seen(MOMENT - 1, 9, 9, 9, 9, "travel"),)
    assert not caps.too_soon(stock, asked, state(stock, seen=gone), MOMENT).any()


def test_who_wants_a_playback_alone_gets_it_alone() -> None:
    alone = flight(1, exclusivity="stream")
    stock = inventory(alone, flight(2, advertiser=1), flight(3))
    before = state(stock, stream=seen(1))
    assert caps.stream_taken(stock, request(), before).tolist() == [True, True, True]
    elsewhere = state(stock, stream=(Seen(MOMENT - 100, 3, 3, 3, 3, "finance"),))
    assert caps.stream_taken(stock, request(), elsewhere).tolist() == [False, False, False]
    rival = state(stock, stream=(Seen(MOMENT - 100, 3, 3, 3, 3, "travel"),))
    assert caps.stream_taken(stock, request(), rival).tolist() == [True, False, False]
