"""The demo's advertisers, campaigns, flights and ads, as plain data that uses all that can be sold. Money in whole units of currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRIME = [18, 19, 20, 21, 22, 23]
SKIP_AFTER = 5.0
HOME = ["US", "CA", "GB", "IE", "DE", "AT", "CH", "FR"]

Targeting = dict[str, dict[str, list[Any]]]
Caps = list[dict[str, Any]]


@dataclass(frozen=True)
class DemoFlight:
    """``starts`` and ``ends`` in days from today; ``goal`` counts impressions, views or clicks, or money when it is spend.

    ``ads`` maps keys of clips to names. In ``targeting`` titles are slugs.
    """

    name: str
    ads: dict[str, str]
    pricing: str = "cpm"
    bid: float = 0
    goal_type: str = "impressions"
    goal: int | None = None
    budget: float = 0
    tier: str = "standard"
    share: float | None = None
    state: str = "live"
    daily: float | None = None
    daily_goal: int | None = None
    pacing: str = "even"
    priority: int = 5
    starts: int = -8
    ends: int = 60
    targeting: Targeting = field(default_factory=dict)
    caps: Caps = field(default_factory=list)
    exclusivity: str = "pod"
    slot: str = "any"
    excludes: list[str] = field(default_factory=list)
    strict: bool = False
    skippable: bool = True


@dataclass(frozen=True)
class DemoCampaign:
    name: str
    flights: tuple[DemoFlight, ...]
    targeting: Targeting = field(default_factory=dict)
    caps: Caps = field(default_factory=list)
    notes: str = ""


@dataclass(frozen=True)
class DemoAdvertiser:
    name: str
    category: str
    site: str
    campaigns: tuple[DemoCampaign, ...]


def include(**keys: list[Any]) -> Targeting:
    return {"include": keys}


def exclude(**keys: list[Any]) -> Targeting:
    return {"exclude": keys}


def both(wanted: dict[str, list[Any]], unwanted: dict[str, list[Any]]) -> Targeting:
    return {"include": wanted, "exclude": unwanted}


def cap(count: int, per: str, times: int = 1, scope: str = "flight") -> dict[str, Any]:
    return {"scope": scope, "count": count, "per": per, "times": times}


# Title slug (None: every other title) -> its ad policy.
POLICIES: dict[str | None, dict[str, Any]] = {
    None: {
        "break_ads": 3,
        "seconds_per_hour": 900,
        "long_watch_seconds": 2400,
        "ad_free_seconds": 240,
        "creative_gap_seconds": 90,
        "reserve_micros": 1_000_000,
    },
    "winterline": {"most_breaks": 1, "break_seconds": 20, "seconds_per_hour": 300, "reserve_micros": 3_000_000, "house_ads": False},
    "night-relay": {"pre_roll": True, "post_roll": True, "most_breaks": 3, "spacing_seconds": 20, "creative_gap_seconds": 60},
}

# What is shown beside each clip.
HEADLINES = {
    "ad-harbor-coffee-1": "Slow down with a Slow Roast",
    "ad-harbor-coffee-2": "Cold Brew, ready when you are",
    "ad-lumen-bank-1": "What does your account cost you?",
    "ad-lumen-bank-2": "Watch your savings grow",
    "ad-nimbus-mobile-1": "Reach the top of any call",
    "ad-nimbus-mobile-2": "One plan for the whole family",
    "ad-nimbus-mobile-3": "Stream wherever you are",
    "ad-pixelforge-games-1": "Can you get out of the dungeon?",
    "ad-pixelforge-games-2": "Hop back into the clouds",
    "ad-silver-lantern-1": "Wildfire Road, in cinemas",
    "ad-silver-lantern-2": "Who is sending the signal?",
    "ad-silver-lantern-3": "See who takes the crown",
    "ad-skylark-air-1": "Wake up somewhere else",
    "ad-skylark-air-2": "Take the weekend further",
    "ad-skylark-air-3": "Sleep over the ocean",
    "ad-trailhead-outfitters-1": "Boots for the long way round",
    "ad-trailhead-outfitters-2": "Spend a night under the stars",
    "ad-volt-motors-1": "Volt E: the quiet way to work",
    "ad-volt-motors-2": "Ready for the open road?",
    "ad-volt-motors-3": "Room for all of you",
}

# Guaranteed flights are sized to not quite half of the demo's week, so that pacing and competition show; the price priority flights
# are large enough to fill whatever is left, the click model chooses among them, and house ads come last.
ADVERTISERS = (
    DemoAdvertiser("Volt Motors", "automotive", "https://volt-motors.example/", (
        DemoCampaign(
            "Volt E1 launch", targeting=exclude(maturity=["R"]), caps=[cap(12, "week", scope="campaign")],
            notes="Not beside films rated R; at most twelve times a week to one viewer, sponsorship and reach together.",
            flights=(
                DemoFlight("Evening sponsor", {"ad-volt-motors-1": "Volt E"}, "cpm", 32, budget=420, tier="sponsorship", share=0.25, pacing="asap",
                           targeting=include(dayparts=PRIME, break_positions=["pre", "mid"]), slot="first", exclusivity="stream"),
                DemoFlight("Reach", {"ad-volt-motors-2": "Volt GT"}, "cpm", 18, "impressions", 2_400, 50, daily_goal=120,
                           caps=[cap(4, "day")], excludes=["automotive"]),
            ),
        ),
        DemoCampaign("Volt test drives", (
            DemoFlight("Clicks, big screens", {"ad-volt-motors-3": "Volt Family"}, "cpc", 1.10, "clicks", 30, 40,
                       targeting=both({"devices": ["tv", "desktop"], "age_bands": ["25-34", "35-44", "45-54"]}, {"genres": ["comedy"]}),
                       caps=[cap(3, "day"), cap(1, "pod", scope="advertiser")]),
        )),
    )),
    DemoAdvertiser("Harbor Coffee", "food_drink", "https://harbor-coffee.example/", (
        DemoCampaign("Morning at Harbor", caps=[cap(30, "lifetime", scope="campaign")], flights=(
            DemoFlight("Mornings", {"ad-harbor-coffee-1": "Slow Roast"}, "cpm", 14, "impressions", 1_500, 23,
                       targeting=both({"dayparts": [5, 6, 7, 8, 9, 10, 11]}, {"weekdays": [6]}), caps=[cap(3, "day"), cap(1, "stream")]),
            DemoFlight("All day", {"ad-harbor-coffee-2": "Cold Brew"}, "cpc", 0.16, "clicks", None, 9_000, tier="price_priority", pacing="asap",
                       targeting=exclude(break_positions=["post"])),
            DemoFlight("Weekend brunch", {"ad-harbor-coffee-1": "Slow Roast, brunch"}, "cpm", 16, "impressions", 800, 16, starts=6, ends=40,
                       targeting=include(weekdays=[5, 6], maturity=["G", "PG"]), caps=[cap(2, "day", scope="advertiser")]),
        )),
    )),
    DemoAdvertiser("Nimbus Mobile", "telecom", "https://nimbus-mobile.example/", (
        DemoCampaign("Nimbus Unlimited", caps=[cap(10, "day", scope="advertiser")], flights=(
            DemoFlight("Everyone", {"ad-nimbus-mobile-1": "Nimbus Peak", "ad-nimbus-mobile-2": "Nimbus Family"}, "cpm", 15.5, "impressions", 1_800,
                       31, pacing="front_loaded", caps=[cap(6, "day"), cap(2, "minute", 30), cap(2, "hour", 2, scope="ad")]),
            DemoFlight("Home countries", {"ad-nimbus-mobile-2": "Nimbus Family, at home"}, "cpm", 17, "impressions", 800, 15,
                       targeting=include(countries=HOME), caps=[cap(3, "day")]),
            DemoFlight("Roaming abroad", {"ad-nimbus-mobile-1": "Nimbus Peak, abroad"}, "cpm", 12, "impressions", None, 300, tier="price_priority",
                       pacing="asap", targeting=exclude(countries=HOME), caps=[cap(2, "day")]),
        )),
        DemoCampaign(
            "Nimbus student plan", targeting=both({"age_bands": ["18-24", "25-34"]}, {"tiers": ["standard"]}),
            notes="Every flight reaches viewers under 35 on the plan with ads; a flight only narrows that.",
            flights=(
                DemoFlight("Under 35", {"ad-nimbus-mobile-3": "Nimbus Stream"}, "cpcv", 0.026, "completed_views", 1_200, 34,
                           targeting=include(devices=["mobile", "tablet", "desktop"]), caps=[cap(3, "day")]),
                DemoFlight("Night owls", {"ad-nimbus-mobile-3": "Nimbus Stream, late"}, "cpcv", 0.020, "completed_views", None, 120,
                           tier="price_priority", pacing="asap", targeting=include(segments=["night_viewers"]), caps=[cap(1, "stream")]),
            ),
        ),
    )),
    DemoAdvertiser("Trailhead Outfitters", "retail", "https://trailhead-outfitters.example/", (
        DemoCampaign("Trailhead autumn", (
            DemoFlight("Adventure and drama", {"ad-trailhead-outfitters-1": "Ridge Boots"}, "cpm", 16, "impressions", 1_500, 26,
                       targeting=both({"genres": ["adventure", "drama"]}, {"moods": ["night"]}), caps=[cap(3, "day")]),
            DemoFlight("Shop now", {"ad-trailhead-outfitters-2": "Starlight Tent"}, "cpc", 0.17, "clicks", None, 9_000, tier="price_priority",
                       daily=300, pacing="asap", targeting=exclude(break_positions=["post"])),
            DemoFlight("Snow, sea and storm", {"ad-trailhead-outfitters-2": "Starlight Tent, wild"}, "cpm", 11, "impressions", None, 700,
                       tier="price_priority", pacing="asap", targeting=include(tags=["snow", "sea", "storm", "forest", "desert"]),
                       caps=[cap(2, "day")]),
            DemoFlight("Women's range", {"ad-trailhead-outfitters-1": "Ridge Boots, women"}, "cpm", 15, "impressions", 500, 8.5,
                       targeting=both({"genders": ["female"]}, {"age_bands": ["18-24"]}), caps=[cap(2, "day")], skippable=False),
            DemoFlight("Men's range", {"ad-trailhead-outfitters-1": "Ridge Boots, men"}, "cpm", 10, "impressions", None, 200, tier="price_priority",
                       pacing="asap", targeting=exclude(genders=["female"], segments=["binge_watchers"]), caps=[cap(2, "day")]),
        )),
    )),
    DemoAdvertiser("Lumen Bank", "finance", "https://lumen-bank.example/", (
        DemoCampaign("Lumen savings", (
            DemoFlight("Completed views", {"ad-lumen-bank-1": "Clear Account"}, "cpcv", 0.021, "completed_views", 1_200, 28, daily=4,
                       targeting=exclude(titles=["night-relay"]), caps=[cap(4, "day")], excludes=["finance", "gaming"]),
            DemoFlight("Members", {"ad-lumen-bank-2": "Grow Savings"}, "cpm", 24, "impressions", 900, 24,
                       targeting=include(age_bands=["35-44", "45-54", "55+"], tiers=["standard"]), caps=[cap(2, "day"), cap(8, "lifetime")],
                       strict=True, skippable=False),
            DemoFlight("Branch openings", {"ad-lumen-bank-2": "Grow Savings, branches"}, "cpm", 19, "impressions", 2_000, 40, state="paused",
                       targeting=exclude(dayparts=[0, 1, 2, 3, 4, 5, 6]), caps=[cap(5, "week")]),
        )),
    )),
    DemoAdvertiser("Skylark Air", "travel", "https://skylark-air.example/", (
        DemoCampaign("Skylark winter sun", (
            DemoFlight("Sponsor of far places", {"ad-skylark-air-1": "Skylark Morning"}, "cpm", 36, budget=300, tier="sponsorship", share=0.4,
                       pacing="asap", targeting=include(titles=["ember-coast", "dune-letters"]), slot="first"),
            DemoFlight("Evenings", {"ad-skylark-air-2": "Skylark Weekend"}, "cpm", 17, "impressions", 2_000, 37, targeting=include(dayparts=PRIME),
                       slot="last", caps=[cap(4, "day")]),
        )),
        DemoCampaign("Skylark flash sale", (
            DemoFlight("Today", {"ad-skylark-air-3": "Skylark Night"}, "cpm", 28, "spend", 6, 6, daily_goal=2, pacing="asap", priority=4,
                       starts=0, ends=14,
                       targeting=exclude(devices=["mobile"]), caps=[cap(2, "day")]),
        )),
    )),
    DemoAdvertiser("Pixelforge Games", "gaming", "https://pixelforge-games.example/", (
        DemoCampaign("Pixelforge season", (
            DemoFlight("Science fiction and thrillers", {"ad-pixelforge-games-1": "Dungeon Post"}, "cpcv", 0.024, "completed_views", 1_000, 27,
                       targeting=both({"genres": ["sci-fi", "thriller", "adventure", "mystery"]}, {"break_positions": ["post"]}),
                       caps=[cap(3, "day")]),
            DemoFlight("Installs", {"ad-pixelforge-games-2": "Cloud Hopper 2"}, "cpc", 0.18, "clicks", None, 9_000, tier="price_priority",
                       pacing="asap", targeting=exclude(break_positions=["post"]), caps=[cap(60, "lifetime")]),
            DemoFlight("After the chase", {"ad-pixelforge-games-1": "Dungeon Post, chase"}, "cpm", 12, "impressions", None, 500,
                       tier="price_priority",
                       pacing="asap", targeting=both({"moods": ["chase", "storm"]}, {"tags": ["rest"]}), caps=[cap(1, "stream", scope="campaign")]),
        )),
    )),
    DemoAdvertiser("Silver Lantern Pictures", "entertainment", "https://silver-lantern.example/", (
        DemoCampaign("Summer Blockbusters", (
            DemoFlight("Trailer, opening weeks", {"ad-silver-lantern-1": "Wildfire Road"}, "cpm", 20, "impressions", 2_000, 44,
                       pacing="front_loaded", exclusivity="stream", caps=[cap(4, "day")]),
            DemoFlight("Tickets", {"ad-silver-lantern-2": "The Ninth Signal"}, "cpc", 0.95, "clicks", 35, 38, caps=[cap(4, "day")]),
            DemoFlight("Premiere night", {"ad-silver-lantern-2": "The Ninth Signal, premiere"}, "cpm", 22, "impressions", 400_000, 8_800,
                       state="draft", starts=2, ends=7, targeting=include(titles=["night-relay"], devices=["tv"], dayparts=[20, 21]),
                       caps=[cap(1, "day")]),
        )),
        DemoCampaign("Silver Lantern nights", (
            DemoFlight("Every night", {"ad-silver-lantern-3": "Crown of Sparrows"}, "cpm", 6, "impressions", None, 16_000, tier="price_priority",
                       targeting=include(dayparts=[*PRIME, 0, 1]), pacing="asap", priority=7),
            DemoFlight("House trailers", {"ad-silver-lantern-1": "Wildfire Road, house", "ad-silver-lantern-3": "Crown of Sparrows, house"},
                       tier="house", pacing="asap"),
        )),
    )),
)  # fmt: skip
