"""What the click model sees: one declared schema and one function that builds it, for serving and, as served, for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from adplatform.learning.hashing import id_codes
from adplatform.learning.online import COUNTERS, smoothed
from adplatform.learning.schema import Feature, FeatureSchema, Matrix, codes_of
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Lineup

GENRES = (
    "action", "adventure", "animation", "comedy", "crime", "documentary", "drama", "family", "fantasy", "horror", "mystery", "nature",
    "romance", "sci-fi", "sport", "thriller",
)  # fmt: skip
CATEGORIES = ("automotive", "entertainment", "finance", "food_drink", "gaming", "retail", "telecom", "travel")
DEVICES = ("desktop", "mobile", "tablet", "tv")
POSITIONS = ("pre", "mid", "post")
MOODS = ("dawn", "day", "storm", "dusk", "night", "chase", "calm", "finale")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55+")
GENDERS = ("female", "male", "other")
TIERS = ("ads", "standard")

# Rates before anything was counted, and how many impressions each level's prior is worth.
FIRST_CLICK_RATE, FIRST_COMPLETION_RATE = 0.02, 0.8
STRENGTH = {
    "all": 200.0, "category": 400.0, "advertiser": 200.0, "campaign": 150.0, "ad": 100.0, "genre_category": 200.0, "title": 200.0, "viewer": 30.0,
}  # fmt: skip

# Each level's rate is the prior of the next.
HIERARCHY = ("all", "category", "advertiser", "campaign", "ad")

# What a linear model has a weight for: single values, and the pairs that are known to matter together. Only columns that an ad
# has whatever the request, or the request whatever the ad: the halves of a cross are hashed apart. Not the weekday: in a log of a
# week or two it is another name for the date.
TERMS = (
    ("ad",), ("campaign",), ("advertiser",), ("ad_category",), ("title",), ("genre",), ("mood",), ("intensity",), ("device",), ("hour",),
    ("break_position",), ("break_index",), ("pod_position",), ("progress",), ("country",), ("tier",), ("age_band",), ("gender",),
    ("monthly_hours",), ("segments",), ("viewer",),
    ("ad", "genre"), ("ad", "device"), ("campaign", "age_band"), ("advertiser", "title"), ("ad_category", "genre"), ("ad_category", "genre", "hour"),
    ("ad_category", "device"), ("ad_category", "mood"), ("ad_category", "age_band"), ("ad_category", "gender"), ("ad_category", "segments"),
    ("ad_category", "viewer"), ("device", "hour"),
)  # fmt: skip

SCHEMA = FeatureSchema(
    name="ctr",
    version=2,
    prior="ad_click_rate",
    terms=TERMS,
    features=(
        Feature("device", "engagement", categories=DEVICES, description="What the film is watched on"),
        Feature("hour", "engagement", high=23, bands=(6, 10, 14, 18, 21), description="Of the viewer's zone"),
        Feature("weekday", "engagement", high=6, description="Monday is 0"),
        Feature("genre", "catalog", categories=GENRES, optional=True, description="The title's first genre"),
        Feature("mood", "catalog", categories=MOODS, optional=True, description="Of the scene before the break"),
        Feature("intensity", "catalog", bands=(1 / 3, 2 / 3), description="Of the scene before the break"),
        Feature("break_position", "ads", categories=POSITIONS, description="Before, within or after the film"),
        Feature("break_index", "ads", high=20, bands=(1, 2, 3, 5), description="Breaks before this one in the playback"),
        Feature("break_seconds", "ads", high=600, description="Length of the break"),
        Feature("progress", "engagement", bands=(0.25, 0.5, 0.75), description="Share of the film seen"),
        Feature("ads_in_session", "ads", high=100, description="Ads shown before in this playback"),
        Feature("pod_position", "ads", high=10, exposure=True, description="Place in the pod; scored as the first"),
        Feature("ad_category", "ads", categories=CATEGORIES, description="Industry of the ad"),
        Feature("ad_seconds", "ads", high=120, linear="as_is", description="Length of the ad"),
        Feature("seen_ad", "ads", high=50, linear="log1p", description="Times served before to this viewer, without consent in this session"),
        Feature("seen_campaign", "ads", high=50, linear="log1p", description="The same of any ad of its campaign"),
        Feature("ad_click_rate", "ads", linear="logit", description="Smoothed towards campaign, advertiser, category and all"),
        Feature("campaign_click_rate", "ads", description="Clicks an impression of the campaign, smoothed towards the advertiser"),
        Feature("advertiser_click_rate", "ads", description="Smoothed towards the category"),
        Feature("category_click_rate", "ads", description="Smoothed towards all ads"),
        Feature("genre_category_click_rate", "ads", linear="logit", description="Of the category in films of this genre"),
        Feature("title_click_rate", "ads", linear="logit", description="Of all ads in this film"),
        Feature("ad_completion_rate", "ads", description="Completed views an impression, smoothed like the clicks"),
        Feature("ad_log_impressions", "ads", high=25, description="log(1 + impressions): how far the ad's rate can be trusted"),
        Feature("viewer_click_rate", "ads", privacy="consent", description="Clicks an impression of this viewer"),
        Feature("viewer_log_impressions", "ads", privacy="consent", high=25, description="How far that can be trusted"),
        Feature("age_band", "engagement", privacy="consent", categories=AGE_BANDS, description="As the profile says"),
        Feature("gender", "engagement", privacy="consent", categories=GENDERS, description="As the profile says"),
        Feature("tier", "engagement", privacy="consent", categories=TIERS, description="The viewer's plan"),
        Feature("monthly_hours", "engagement", privacy="consent", high=744, bands=(5, 15, 40), description="Watched in the last month"),
        Feature(
            "genre_match", "engagement", privacy="consent", linear="as_is", description="Share of the title's genres among the viewer's favourites"
        ),
        Feature("ad", "ads", identity=True, description="Hashed"),
        Feature("campaign", "ads", identity=True, description="Hashed"),
        Feature("advertiser", "ads", identity=True, description="Hashed"),
        Feature("title", "catalog", identity=True, optional=True, description="The film, hashed"),
        Feature("country", "engagement", identity=True, optional=True, description="ISO 3166-1, hashed"),
        Feature("viewer", "engagement", privacy="consent", identity=True, description="Hashed"),
        Feature("segments", "engagement", privacy="consent", identity=True, description="The viewer's segments, as one set"),
    ),
)


_of_lineup: WeakKeyDictionary[Lineup, dict[str, Floats]] = WeakKeyDictionary()


def build(request: AdRequest, candidates: Candidates) -> Matrix:
    """float32 [n candidates, n features] for one break, every ad scored as the first of its pod."""
    rows, kept = candidates.rows, smooth(candidates.lineup, candidates.rates)
    shared = {name: value.item() for name, value in of_counters(candidates.rates).items()}
    asked = SCHEMA.matrix({**of_request(request), **shared}, 1, consent=request.consent)
    table: Matrix = np.where(np.isnan(asked), kept.table[rows], asked)
    varying = {
        "genre_category_click_rate": kept.genre_category(candidates.rates)[rows],
        "seen_ad": candidates.seen_ad,
        "seen_campaign": candidates.seen_campaign,
    }
    for name, cells in SCHEMA.numbers(varying, varying, consent=request.consent).items():
        table[:, SCHEMA.index[name]] = cells
    return table


def of_request(request: AdRequest) -> dict[str, Any]:
    """The columns that are the same for every candidate, but for the counters."""
    return {
        "device": request.device,
        "hour": request.hour,
        "weekday": request.weekday,
        "genre": request.genres[0] if request.genres else None,
        "mood": request.mood or None,
        "intensity": request.intensity,
        "break_position": request.break_position,
        "break_index": request.break_index,
        "break_seconds": request.duration,
        "progress": request.progress,
        "ads_in_session": len(request.ads_seen),
        "pod_position": 0,
        "age_band": request.age_band or None,
        "gender": request.gender or None,
        "tier": request.tier or None,
        "monthly_hours": request.monthly_hours,
        "genre_match": _genre_match(request),
        "title": request.title,
        "country": request.country,
        "viewer": None if request.viewer is None else str(request.viewer),
        "segments": None if request.segments is None else " ".join(sorted(request.segments)),
    }


def of_lineup(lineup: Lineup) -> dict[str, Floats]:
    """The columns that an ad has whatever the request, float64 [ads of the lineup], as codes where they are ids or categories."""
    kept = _of_lineup.get(lineup)
    if kept is None:
        kept = _of_lineup[lineup] = {
            "ad_category": codes_of(CATEGORIES, lineup.categories)[lineup.category],
            "ad_seconds": lineup.duration,
            "ad": id_codes(lineup.ad),
            "campaign": id_codes(lineup.campaign),
            "advertiser": id_codes(lineup.advertiser),
        }
    return kept


def of_counters(rates: Mapping[str, Floats]) -> dict[str, Floats]:
    """The columns of the request that follow from counters, float64 [1]."""
    everything = _rate(rates, "all", 1, "clicks", FIRST_CLICK_RATE)
    return {
        "title_click_rate": _rate(rates, "title", 1, "clicks", everything),
        "viewer_click_rate": _rate(rates, "viewer", 1, "clicks", everything),
        "viewer_log_impressions": np.log1p(_counts(rates, "viewer", 1)[:, 0]),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """What follows from one state of the counters for every ad of a line-up, computed when either changes and not at each request.

    ``columns`` float64 [ads]: click rates smoothed ad <- campaign <- advertiser <- category <- all, completed views per impression
    alike. ``table`` holds them and the ads' own columns as rows, all others NaN. The counters change when the consumer has
    written a batch, a few times a second.
    """

    lineup: Lineup
    sources: tuple[Floats | None, ...]
    columns: dict[str, Floats]
    genres: dict[int, tuple[Floats | None, Floats]]
    table: Matrix

    def genre_category(self, rates: Mapping[str, Floats]) -> Floats:
        """Click rate of each ad's category in the request's genre, float64 [ads]; kept for each genre."""
        source = rates.get("genre_category")
        kept = self.genres.get(id(source))
        if kept is None or kept[0] is not source:
            if len(self.genres) > len(GENRES):
                self.genres.clear()
            rate = _rate(rates, "genre_category", len(self.lineup), "clicks", self.columns["category_click_rate"])
            kept = self.genres[id(source)] = (source, rate)
        return kept[1]


_smoothed: Smoothed | None = None


def smooth(lineup: Lineup, rates: Mapping[str, Floats]) -> Smoothed:
    """The same object for the same line-up and counters."""
    global _smoothed
    kept, sources = _smoothed, tuple(rates.get(scope) for scope in HIERARCHY)
    if kept is None or kept.lineup is not lineup or any(one is not other for one, other in zip(kept.sources, sources, strict=True)):
        clicks = _hierarchy(rates, len(lineup), "clicks", FIRST_CLICK_RATE)
        columns = {f"{scope}_click_rate": rate for scope, rate in clicks.items() if scope != "all"}
        columns["ad_completion_rate"] = _hierarchy(rates, len(lineup), "completes", FIRST_COMPLETION_RATE)["ad"]
        columns["ad_log_impressions"] = np.log1p(_counts(rates, "ad", len(lineup))[:, 0])
        table = SCHEMA.matrix({**of_lineup(lineup), **columns}, len(lineup), consent=False)
        _smoothed = kept = Smoothed(lineup, sources, columns, {}, table)
    return kept


def _hierarchy(rates: Mapping[str, Floats], n: int, counter: str, first: float) -> dict[str, Floats]:
    """Smoothed rates: ad <- campaign <- advertiser <- category <- all."""
    found: dict[str, Floats] = {}
    prior: Floats | float = first
    for scope in HIERARCHY:
        found[scope] = prior = _rate(rates, scope, 1 if scope == "all" else n, counter, prior)
    return found


def _rate(rates: Mapping[str, Floats], scope: str, rows: int, counter: str, prior: Floats | float) -> Floats:
    counts = _counts(rates, scope, rows)
    return smoothed(counts[:, COUNTERS.index(counter)], counts[:, 0], prior, STRENGTH[scope])


def _counts(rates: Mapping[str, Floats], scope: str, rows: int) -> Floats:
    """What was counted, or nothing yet."""
    counts = rates.get(scope)
    return np.zeros((rows, len(COUNTERS))) if counts is None else counts


def _genre_match(request: AdRequest) -> float | None:
    if request.favourite_genres is None or not request.genres:
        return None
    return len(set(request.genres) & set(request.favourite_genres)) / len(set(request.genres))
