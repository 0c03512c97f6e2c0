"""The figures at the top of the page, in their order: what each is called, how it is written and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """``unit`` is count, share (0-1) or money (micros). ``baseline`` names what the change is measured against; yesterday always
    means yesterday up to the same minute."""

    key: str
    label: str
    unit: str
    meaning: str
    baseline: str = "yesterday"


TILES = (
    Tile("active_sessions", "Watching now", "count", "Playback sessions heard from in the last 30 seconds", "10 min ago"),
    Tile("revenue", "Revenue today", "money", "Booked for what was delivered today (UTC), less what was charged back"),
    Tile("impressions", "Impressions today", "count", "Valid ad impressions today (UTC)"),
    Tile("ecpm", "eCPM", "money", "Revenue for 1,000 impressions, today"),
    Tile("fill_rate", "Fill rate", "share", "Ad slots offered today that were filled"),
    Tile("ctr", "Click-through rate", "share", "Clicks for each impression, today"),
    Tile("completion_rate", "Completion rate", "share", "Impressions watched to the end of the ad, today"),
    Tile("invalid_share", "Invalid impressions", "share", "Share of today's impressions, valid and invalid, that do not count"),
    Tile(
        "engagement",
        "Predicted engagement",
        "share",
        "Mean of the Director's predictions in the last five minutes: share of the coming scenes watched",
    ),
    Tile(
        "director_changes",
        "Director changes",
        "count",
        "Scene plans the Director changed today; and what its changes gain: the share of the next scene watched, less that where chance held"
        " the same change back",
    ),
)
