"""The demo's advertisers, campaigns, flights and ads, as plain data. Money in whole units of currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DAY = 86_400
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
    starts: int = -30
    ends: int = 60
    targeting: dict[str, list[Any]] = field(default_factory=dict)
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


def cap(count: int, seconds: int, scope: str = "viewer") -> dict[str, Any]:
    return {"scope": scope, "count": count, "seconds": seconds}


ADVERTISERS = (
    DemoAdvertiser("Volt Motors", "automotive", "https://volt-motors.example/", {
        "Volt E1 launch": [
            DemoFlight("Reach", "cpm", 18.0, "impressions", 220_000, 4200, {"ad-volt-motors-1": "The quiet road", "ad-volt-motors-2": "600 km"},
                       caps=[cap(6, DAY)], excludes=["automotive"]),
        ],
        "Volt test drives": [
            DemoFlight("Clicks, big screens", "cpc", 1.10, "clicks", 3_500, 3600, {"ad-volt-motors-3": "Drive one on Saturday"},
                       targeting={"devices": ["tv", "desktop"], "age_bands": ["25-34", "35-44", "45-54"]}, caps=[cap(4, DAY)]),
        ],
    }),
    DemoAdvertiser("Harbor Coffee", "food_drink", "https://harbor-coffee.example/", {
        "Morning at Harbor": [
            DemoFlight("Mornings", "cpm", 14.0, "impressions", 120_000, 1600, {"ad-harbor-coffee-1": "First cup"},
                       targeting={"dayparts": [5, 6, 7, 8, 9, 10, 11]}, caps=[cap(4, DAY)]),
            DemoFlight("All day", "cpc", 0.55, "clicks", 4_000, 2100, {"ad-harbor-coffee-2": "Find your Harbor"}, caps=[cap(5, DAY)]),
        ],
    }),
    DemoAdvertiser("Nimbus Mobile", "telecom", "https://nimbus-mobile.example/", {
        "Nimbus Unlimited": [
            DemoFlight("Everyone", "cpm", 12.5, "impressions", 260_000, 3200, {"ad-nimbus-mobile-1": "No limits", "ad-nimbus-mobile-2": "Two lines"},
                       pacing="front_loaded", caps=[cap(8, DAY), cap(2, 1800)]),
        ],
        "Nimbus student plan": [
            DemoFlight("Under 35", "cpcv", 0.026, "completed_views", 60_000, 1500, {"ad-nimbus-mobile-3": "Half price, all data"},
                       targeting={"age_bands": ["18-24", "25-34"], "devices": ["mobile", "tablet", "desktop"]}, caps=[cap(3, DAY)]),
        ],
    }),
    DemoAdvertiser("Trailhead Outfitters", "retail", "https://trailhead-outfitters.example/", {
        "Trailhead autumn": [
            DemoFlight("Outdoor films", "cpm", 16.0, "impressions", 90_000, 1400, {"ad-trailhead-outfitters-1": "Higher"},
                       targeting={"genres": ["adventure", "nature", "documentary", "drama"]}, caps=[cap(4, DAY)]),
            DemoFlight("Shop now", "cpc", 0.70, "clicks", 3_000, 2000, {"ad-trailhead-outfitters-2": "Twenty off boots"},
                       daily=80, caps=[cap(5, DAY)]),
        ],
    }),
    DemoAdvertiser("Lumen Bank", "finance", "https://lumen-bank.example/", {
        "Lumen savings": [
            DemoFlight("Completed views", "cpcv", 0.021, "completed_views", 120_000, 2400, {"ad-lumen-bank-1": "Four percent"}, caps=[cap(5, DAY)]),
            DemoFlight("Members", "cpm", 24.0, "impressions", 30_000, 700, {"ad-lumen-bank-2": "Meet your advisor"},
                       targeting={"age_bands": ["35-44", "45-54", "55+"], "tiers": ["standard"]}, caps=[cap(2, DAY)], strict=True, skippable=False),
        ],
    }),
    DemoAdvertiser("Skylark Air", "travel", "https://skylark-air.example/", {
        "Skylark winter sun": [
            DemoFlight("Evenings", "cpm", 17.0, "impressions", 150_000, 2500, {"ad-skylark-air-1": "Leave rain", "ad-skylark-air-2": "Five hours"},
                       targeting={"dayparts": [17, 18, 19, 20, 21, 22, 23]}, caps=[cap(5, DAY)]),
        ],
        "Skylark flash sale": [
            DemoFlight("Today", "cpm", 28.0, "spend", 6, 6, {"ad-skylark-air-3": "Seats from 19"}, pacing="asap", priority=4, caps=[cap(2, DAY)]),
        ],
    }),
    DemoAdvertiser("Pixelforge Games", "gaming", "https://pixelforge-games.example/", {
        "Pixelforge Emberfall": [
            DemoFlight("Action and science fiction", "cpcv", 0.024, "completed_views", 80_000, 1800, {"ad-pixelforge-games-1": "Hold the gate"},
                       targeting={"genres": ["action", "sci-fi", "thriller", "fantasy", "adventure"]}, caps=[cap(4, DAY)]),
            DemoFlight("Installs", "cpc", 0.85, "clicks", 4_000, 3000, {"ad-pixelforge-games-2": "Play Emberfall tonight"},
                       targeting={"genders": ["male", "other", "female"], "age_bands": ["18-24", "25-34", "35-44"]}, caps=[cap(4, DAY)]),
        ],
    }),
    DemoAdvertiser("Silver Lantern Pictures", "entertainment", "https://silver-lantern.example/", {
        "Summer Blockbusters": [
            DemoFlight("Trailer, opening weeks", "cpm", 20.0, "impressions", 200_000, 4000, {"ad-silver-lantern-1": "The Last Lighthouse: trailer"},
                       pacing="front_loaded", caps=[cap(5, DAY)]),
            DemoFlight("Tickets", "cpc", 0.95, "clicks", 4_000, 3600, {"ad-silver-lantern-2": "Get your seats"}, caps=[cap(5, DAY)]),
        ],
        "Silver Lantern classics": [
            DemoFlight("Weekend nights", "cpm", 9.0, "impressions", 100_000, 900, {"ad-silver-lantern-3": "Classics, restored"},
                       targeting={"dayparts": [18, 19, 20, 21, 22, 23, 0, 1]}, priority=7),
        ],
    }),
)  # fmt: skip
