"""The demo's advertisers, campaigns, flights and ads, as plain data. Money in whole units of currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRIME = [18, 19, 20, 21, 22, 23]
SKIP_AFTER = 5.0


@dataclass(frozen=True)
class DemoFlight:
    """``starts`` and ``ends`` in days from today; ``goal`` counts impressions, views or clicks, or money when it is spend."""

    name: str
    pricing: str
    bid: float
    goal_type: str
    goal: int
    budget: float
    ads: dict[str, str]
    daily: float | None = None
    pacing: str = "even"
    priority: int = 5
    starts: int = -8
    ends: int = 60
    targeting: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    caps: list[dict[str, Any]] = field(default_factory=list)
    excludes: list[str] = field(default_factory=list)
    strict: bool = False
    skippable: bool = True


@dataclass(frozen=True)
class DemoAdvertiser:
    name: str
    category: str
    site: str
    campaigns: dict[str, list[DemoFlight]]


def cap(count: int, per: str, times: int = 1, scope: str = "flight") -> dict[str, Any]:
    return {"scope": scope, "count": count, "per": per, "times": times}


# Sold flights are sized to the demo's week of history, so that pacing and competition show; the CPC flights of priority 7
# are large enough to fill whatever is left, and the click model chooses among them.
ADVERTISERS = (
    DemoAdvertiser("Volt Motors", "automotive", "https://volt-motors.example/", {
        "Volt E1 launch": [
            DemoFlight("Reach", "cpm", 18.0, "impressions", 9_000, 170, {"ad-volt-motors-1": "Volt E", "ad-volt-motors-2": "Volt GT"},
                       caps=[cap(4, "day")], excludes=["automotive"]),
        ],
        "Volt test drives": [
            DemoFlight("Clicks, big screens", "cpc", 1.10, "clicks", 180, 200, {"ad-volt-motors-3": "Volt Family"},
                       targeting={"include": {"devices": ["tv", "desktop"], "age_bands": ["25-34", "35-44", "45-54"]}}, caps=[cap(3, "day")]),
        ],
    }),
    DemoAdvertiser("Harbor Coffee", "food_drink", "https://harbor-coffee.example/", {
        "Morning at Harbor": [
            DemoFlight("Mornings", "cpm", 14.0, "impressions", 5_000, 75, {"ad-harbor-coffee-1": "Slow Roast"},
                       targeting={"include": {"dayparts": [5, 6, 7, 8, 9, 10, 11]}}, caps=[cap(3, "day")]),
            DemoFlight("All day", "cpc", 0.40, "clicks", 60_000, 24_000, {"ad-harbor-coffee-2": "Cold Brew"}, pacing="asap", priority=7),
        ],
    }),
    DemoAdvertiser("Nimbus Mobile", "telecom", "https://nimbus-mobile.example/", {
        "Nimbus Unlimited": [
            DemoFlight("Everyone", "cpm", 15.5, "impressions", 11_000, 170,
                       {"ad-nimbus-mobile-1": "Nimbus Peak", "ad-nimbus-mobile-2": "Nimbus Family"},
                       pacing="front_loaded", caps=[cap(6, "day"), cap(2, "minute", 30)]),
        ],
        "Nimbus student plan": [
            DemoFlight("Under 35", "cpcv", 0.026, "completed_views", 5_500, 145, {"ad-nimbus-mobile-3": "Nimbus Stream"},
                       targeting={"include": {"age_bands": ["18-24", "25-34"], "devices": ["mobile", "tablet", "desktop"]}}, caps=[cap(3, "day")]),
        ],
    }),
    DemoAdvertiser("Trailhead Outfitters", "retail", "https://trailhead-outfitters.example/", {
        "Trailhead autumn": [
            DemoFlight("Adventure and drama", "cpm", 16.0, "impressions", 7_000, 115, {"ad-trailhead-outfitters-1": "Ridge Boots"},
                       targeting={"include": {"genres": ["adventure", "drama"]}}, caps=[cap(3, "day")]),
            DemoFlight("Shop now", "cpc", 0.42, "clicks", 60_000, 25_000, {"ad-trailhead-outfitters-2": "Starlight Tent"},
                       daily=900, pacing="asap", priority=7),
        ],
    }),
    DemoAdvertiser("Lumen Bank", "finance", "https://lumen-bank.example/", {
        "Lumen savings": [
            DemoFlight("Completed views", "cpcv", 0.021, "completed_views", 7_500, 160, {"ad-lumen-bank-1": "Clear Account"}, caps=[cap(4, "day")]),
            DemoFlight("Members", "cpm", 24.0, "impressions", 2_500, 60, {"ad-lumen-bank-2": "Grow Savings"},
                       targeting={"include": {"age_bands": ["35-44", "45-54", "55+"], "tiers": ["standard"]}}, caps=[cap(2, "day")],
                       strict=True, skippable=False),
        ],
    }),
    DemoAdvertiser("Skylark Air", "travel", "https://skylark-air.example/", {
        "Skylark winter sun": [
            DemoFlight("Evenings", "cpm", 17.0, "impressions", 8_000, 140,
                       {"ad-skylark-air-1": "Skylark Morning", "ad-skylark-air-2": "Skylark Weekend"},
                       targeting={"include": {"dayparts": PRIME}}, caps=[cap(4, "day")]),
        ],
        "Skylark flash sale": [
            DemoFlight("Today", "cpm", 28.0, "spend", 6, 6, {"ad-skylark-air-3": "Skylark Night"},
                       pacing="asap", priority=4, starts=0, ends=14, caps=[cap(2, "day")]),
        ],
    }),
    DemoAdvertiser("Pixelforge Games", "gaming", "https://pixelforge-games.example/", {
        "Pixelforge season": [
            DemoFlight("Science fiction and thrillers", "cpcv", 0.024, "completed_views", 5_000, 125, {"ad-pixelforge-games-1": "Dungeon Post"},
                       targeting={"include": {"genres": ["sci-fi", "thriller", "adventure", "mystery"]}}, caps=[cap(3, "day")]),
            DemoFlight("Installs", "cpc", 0.45, "clicks", 60_000, 27_000, {"ad-pixelforge-games-2": "Cloud Hopper 2"}, pacing="asap", priority=7),
        ],
    }),
    DemoAdvertiser("Silver Lantern Pictures", "entertainment", "https://silver-lantern.example/", {
        "Summer Blockbusters": [
            DemoFlight("Trailer, opening weeks", "cpm", 20.0, "impressions", 12_000, 250, {"ad-silver-lantern-1": "Wildfire Road"},
                       pacing="front_loaded", caps=[cap(4, "day")]),
            DemoFlight("Tickets", "cpc", 0.95, "clicks", 200, 190, {"ad-silver-lantern-2": "The Ninth Signal"}, caps=[cap(4, "day")]),
        ],
        "Silver Lantern nights": [
            DemoFlight("Every night", "cpm", 8.0, "impressions", 2_000_000, 16_000, {"ad-silver-lantern-3": "Crown of Sparrows"},
                       targeting={"include": {"dayparts": [*PRIME, 0, 1]}}, pacing="asap", priority=7),
        ],
    }),
)  # fmt: skip
