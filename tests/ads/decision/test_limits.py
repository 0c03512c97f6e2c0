"""What whoever sells a break does not take stays out of it, and nobody pays less than the floor of the ad's length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ads.decision.inventory import Inventory, Rows, compile_inventory
from ads.decision.limits import SAME_SECONDS, domain_of
from ads.decision.request import Limits
from ads.replay import request_of

from .rows import CATEGORIES, ad, flight, inventories, inventory, request
from .test_decide import decided, reasons

LENGTHS = (6.0, 15.0, 30.0)


def stock() -> Inventory:
    flights = [flight(number, bid_micros=number * 10_000_000) for number in (1, 2, 3)]
    ads = [
        ad(number, number, category=category, duration=seconds, click_through=f"https://www.brand{number}.example/offer")
        for number, category, seconds in zip((1, 2, 3), CATEGORIES, LENGTHS, strict=True)
    ]
    return compile_inventory(Rows(tuple(flights), tuple(ads)))


def out(limits: Limits) -> dict[int, str]:
    """Reasons of the ads that could not stand in a break of 60 seconds."""
    found = reasons(decided(known := stock(), request(duration=60.0, limits=limits)), known)
    return {number: reason for number, reason in found.items() if reason not in ("won", "explored", "runner_up")}


def test_blocked_categories_and_those_not_allowed_stay_out() -> None:
    assert out(Limits(categories_blocked=("finance",))) == {2: "category_blocked"}
    assert out(Limits(categories_allowed=("finance",))) == {1: "category_blocked", 3: "category_blocked"}


def test_a_blocked_domain_takes_its_subdomains_along_and_no_look_alikes() -> None:
    assert out(Limits(domains_blocked=("brand2.example",))) == {2: "advertiser_blocked"}
    assert out(Limits(domains_blocked=("example",))) == dict.fromkeys((1, 2, 3), "advertiser_blocked")
    assert out(Limits(domains_blocked=("and2.example", "2.example"))) == {}


def test_advertisers_are_blocked_and_allowed_by_their_ids() -> None:
    assert out(Limits(advertisers_blocked=(1,))) == {1: "advertiser_blocked"}
    assert out(Limits(advertisers_allowed=())) == dict.fromkeys((1, 2, 3), "advertiser_blocked")


def test_only_lengths_that_were_asked_for_are_taken() -> None:
    assert out(Limits(exact=(15.0, 30.0))) == {1: "length_not_asked_for"}
    assert out(Limits(shortest=10.0, longest=20.0)) == {1: "length_not_asked_for", 3: "length_not_asked_for"}


def test_an_ad_beside_which_one_may_not_stand_keeps_it_out() -> None:
    assert out(Limits(beside=(3,))) == {3: "pod_conflict"}
    rivals = inventory(flight(1), flight(2, advertiser=1), category="travel")
    assert set(reasons(decided(rivals, request(limits=Limits(beside=(1,)))), rivals).values()) == {"pod_conflict"}


def test_a_floor_by_length_holds_for_ads_of_that_length_alone() -> None:
    assert out(Limits(floors=((10.0, 20.0, 25_000),))) == {2: "below_reserve"}
    assert out(Limits(floor_per_second=1_500.0)) == {2: "below_reserve", 3: "below_reserve"}


@given(inventories(), st.integers(0, 1 << 30), st.floats(0, 400), st.sampled_from([(), ((0.0, 60.0, 4_000),)]))
def test_whoever_wins_pays_at_least_the_floor_of_its_length(
    known: Inventory, seed: int, per_second: float, floors: tuple[tuple[float, float, int], ...]
) -> None:
    asked = request(limits=Limits(floor_per_second=per_second, floors=floors), house_ads=False)
    for slot in decided(known, asked, seed).slots:
        for alternate in slot.alternates:
            seconds = float(known.ad_duration[alternate.row])
            floor = max(
                [asked.reserve_micros, seconds * per_second, *(micros for low, high, micros in floors if low <= seconds <= high + SAME_SECONDS)]
            )
            assert alternate.price_micros >= floor


def test_a_stored_request_keeps_its_limits() -> None:
    stored = {"limits": {"exact": [15.0], "floors": [[0, 30, 5]]}}
    plain = {name: getattr(request(), name) for name in request().__slots__}
    assert request_of({**plain, **stored}).limits == Limits(exact=(15.0,), floors=((0.0, 30.0, 5),))


def test_an_address_that_leads_nowhere_has_no_domain() -> None:
    assert [domain_of(text) for text in ("", "http://[bad", "https://www.Shop.example:8443/x")] == ["", "", "shop.example"]
