"""The figures at the top of the page, in their order: what each is called, how it is written and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """``unit`` is count, share (0-1), points (a difference of shares), money (micros) or number. ``sold``: delivery, which an advertiser sees
    of its own campaigns. What it is compared with stands in the snapshot."""

    key: str
    label: str
    unit: str
    meaning: str
    sold: bool = False
    lower_is_better: bool = False


TILES = (
    Tile("active_sessions", "Watching now", "count", "Playback sessions heard from in the last 30 seconds"),
    Tile("revenue", "Revenue today", "money", "Booked for what was delivered today (UTC), less what was charged back", sold=True),
    Tile("impressions", "Impressions today", "count", "Valid ad impressions today (UTC)", sold=True),
    Tile("ecpm", "eCPM", "money", "Revenue for 1,000 impressions, today", sold=True),
    Tile("fill_rate", "Fill rate", "share", "Ad slots offered today that were filled"),
    Tile("ctr", "Click-through rate", "share", "Clicks for each impression, today", sold=True),
    Tile("completion_rate", "Completion rate", "share", "Impressions watched to the end of the ad, today", sold=True),
    Tile(
        "invalid_share",
        "Invalid impressions",
        "share",
        "Share of today's impressions, valid and invalid, that do not count",
        sold=True,
        lower_is_better=True,
    ),
    Tile(
        "engagement",
        "Predicted engagement",
        "share",
        "Mean of the Director's predictions in the last five minutes: share of the coming scenes watched",
    ),
    Tile("director_changes", "Optimisations applied", "count", "Scene plans the Director changed today"),
    Tile(
        "success_rate",
        "Optimisation gain",
        "points",
        "What the Director's changes gain: the share of the next scene watched, less that where chance held the same change back",
    ),
    Tile(
        "model_accuracy",
        "CTR model error",
        "number",
        "Normalised entropy of the click model in use, on data later than it learned from: 1 is what always predicting the mean rate comes to",
        lower_is_better=True,
    ),
)


def tiles_for(*, business: bool) -> tuple[Tile, ...]:
    """What somebody of an advertiser sees is delivery alone."""
    return TILES if business else tuple(tile for tile in TILES if tile.sold)
