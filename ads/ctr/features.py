"""What the click model sees: one declared schema and one function that builds it, for serving and, as served, for training."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from adplatform.learning.hashing import id_codes
from adplatform.learning.online import COUNTERS, Counts, smoothed
from adplatform.learning.schema import Feature, FeatureSchema, Matrix, codes_of
from ads.decision.request import AdRequest
from ads.decision.state import AD_SCOPES, Candidates, Lineup

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
        Feature("device", "engagement", categories=DEVICES),
        Feature("hour", "engagement", high=23, bands=(6, 10, 14, 18, 21), description="Of the viewer's zone"),
        Feature("weekday", "engagement", high=6, description="Monday is 0"),
        Feature("genre", "catalog", categories=GENRES, optional=True, description="The title's first genre"),
        Feature("mood", "catalog", categories=MOODS, optional=True, description="Of the scene before the break"),
        Feature("intensity", "catalog", bands=(1 / 3, 2 / 3), description="Of the scene before the break"),
        Feature("break_position", "ads", categories=POSITIONS),
        Feature("break_index", "ads", high=20, bands=(1, 2, 3, 5)),
        Feature("break_seconds", "ads", high=600),
        Feature("progress", "engagement", bands=(0.25, 0.5, 0.75), description="Share of the film seen"),
        Feature("ads_in_session", "ads", high=100),
        Feature("pod_position", "ads", high=10, exposure=True, description="Place in the pod; scored as the first"),
        Feature("ad_category", "ads", categories=CATEGORIES),
        Feature("ad_seconds", "ads", high=120, linear="as_is"),
        Feature("seen_ad", "ads", high=50, linear="log1p", description="Times served before to this viewer, without consent in this session"),
        Feature("seen_campaign", "ads", high=50, linear="log1p"),
        Feature("ad_click_rate", "ads", linear="logit", description="Smoothed towards campaign, advertiser, category and all"),
        Feature("campaign_click_rate", "ads"),
        Feature("advertiser_click_rate", "ads"),
        Feature("category_click_rate", "ads"),
        Feature("genre_category_click_rate", "ads", linear="logit"),
        Feature("title_click_rate", "ads", linear="logit"),
        Feature("ad_completion_rate", "ads"),
        Feature("ad_log_impressions", "ads", high=25, description="log(1 + impressions): how far the ad's rate can be trusted"),
        Feature("viewer_click_rate", "ads", privacy="consent"),
        Feature("viewer_log_impressions", "ads", privacy="consent", high=25),
        Feature("age_band", "engagement", privacy="consent", categories=AGE_BANDS),
        Feature("gender", "engagement", privacy="consent", categories=GENDERS),
        Feature("tier", "engagement", privacy="consent", categories=TIERS),
        Feature("monthly_hours", "engagement", privacy="consent", high=744, bands=(5, 15, 40)),
        Feature(
            "genre_match", "engagement", privacy="consent", linear="as_is", description="Share of the title's genres among the viewer's favourites"
        ),
        Feature("ad", "ads", identity=True),
        Feature("campaign", "ads", identity=True),
        Feature("advertiser", "ads", identity=True),
        Feature("title", "catalog", identity=True, optional=True),
        Feature("country", "engagement", identity=True, optional=True),
        Feature("viewer", "engagement", privacy="consent", identity=True),
        Feature("segments", "engagement", privacy="consent", identity=True, description="The viewer's segments, as one set"),
    ),
)


_of_lineup: WeakKeyDictionary[Lineup, dict[str, NDArray[np.float64]]] = WeakKeyDictionary()


def build(request: AdRequest, candidates: Candidates) -> Matrix:
    """float32 [n candidates, n features] for one break, every ad scored as the first of its pod."""
    own = {name: np.take(column, candidates.rows) for name, column in of_lineup(candidates.lineup).items()}
    return SCHEMA.matrix({**of_request(request), **own, **counted(candidates)}, len(candidates), consent=request.consent)


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


def of_lineup(lineup: Lineup) -> dict[str, NDArray[np.float64]]:
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


def counted(candidates: Candidates) -> dict[str, NDArray[np.float64]]:
    """The columns that follow from counters: float64 [n], or [1] where the candidates share one.

    Click rates are smoothed ad <- campaign <- advertiser <- category <- all, completed views per impression alike.
    """
    n = len(candidates)
    rates = _hierarchy(candidates, n, "clicks", FIRST_CLICK_RATE)
    everything = rates.pop("all")
    rates |= {
        "genre_category": _rate(candidates, "genre_category", n, "clicks", rates["category"]),
        "title": _rate(candidates, "title", 1, "clicks", everything),
        "viewer": _rate(candidates, "viewer", 1, "clicks", everything),
    }
    return {
        **{f"{scope}_click_rate": rate for scope, rate in rates.items()},
        "ad_completion_rate": _hierarchy(candidates, n, "completes", FIRST_COMPLETION_RATE)["ad"],
        "ad_log_impressions": np.log1p(_counts(candidates, "ad", n)[:, 0]),
        "viewer_log_impressions": np.log1p(_counts(candidates, "viewer", 1)[:, 0]),
        "seen_ad": candidates.seen_ad.astype(np.float64),
        "seen_campaign": candidates.seen_campaign.astype(np.float64),
    }


def _hierarchy(candidates: Candidates, n: int, counter: str, first: float) -> dict[str, NDArray[np.float64]]:
    """Smoothed rates: ad <- campaign <- advertiser <- category <- all."""
    rates: dict[str, NDArray[np.float64]] = {}
    prior: NDArray[np.float64] | float = first
    for scope in ("all", "category", "advertiser", "campaign", "ad"):
        rates[scope] = prior = _rate(candidates, scope, 1 if scope == "all" else n, counter, prior)
    return rates


def _rate(candidates: Candidates, scope: str, rows: int, counter: str, prior: Counts | float) -> Counts:
    counts = _counts(candidates, scope, rows)
    return smoothed(counts[:, COUNTERS.index(counter)], counts[:, 0], prior, STRENGTH[scope])


def _counts(candidates: Candidates, scope: str, rows: int) -> Counts:
    """What was counted, or nothing yet."""
    counts = candidates.rates.get(scope)
    if counts is None:
        return np.zeros((rows, len(COUNTERS)))
    return np.take(counts, candidates.rows, axis=0) if scope in AD_SCOPES else counts


def _genre_match(request: AdRequest) -> float | None:
    if request.favourite_genres is None or not request.genres:
        return None
    return len(set(request.genres) & set(request.favourite_genres)) / len(set(request.genres))
