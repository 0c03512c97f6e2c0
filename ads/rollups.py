"""Which figures of advertising are kept, by minute, hour and day."""

from __future__ import annotations

from adplatform.eventlog.rollup import Rollup

DELIVERY = Rollup(
    name="ads.delivery",
    prefix="ads_delivery",
    keys=("advertiser_id", "campaign_id", "flight_id", "ad_id", "title_id", "genre", "device", "synthetic"),
    measures=(
        "decided", "impressions", "first_quartiles", "midpoints", "third_quartiles", "completed_views", "skips", "clicks", "gross_impressions",
        "gross_completed_views", "gross_clicks", "errors", "invalid", "revenue_micros", "reversed_micros", "starts", "viewable",
    ),
)  # fmt: skip
BREAKS = Rollup(
    name="ads.breaks",
    prefix="ads_break",
    keys=("title_id", "genre", "device", "synthetic"),
    measures=("requests", "filled", "slots_offered", "slots_filled", "unfilled_milliseconds", "decision_microseconds"),
)
INVALID = Rollup(
    name="ads.invalid",
    prefix="ads_invalid",
    keys=("advertiser_id", "campaign_id", "flight_id", "ad_id", "type", "reason", "synthetic"),
    measures=("events",),
    grains=("hour", "day"),
)
UNFILLED = Rollup(
    name="ads.unfilled",
    prefix="ads_unfilled",
    keys=("title_id", "genre", "device", "reason", "synthetic"),
    measures=("breaks", "milliseconds"),
    grains=("hour", "day"),
)
FUNNEL = Rollup(
    name="ads.funnel", prefix="ads_funnel", keys=("flight_id", "ad_id", "reason", "synthetic"), measures=("decisions",), grains=("hour", "day")
)
MEASURE_OF = {
    "ad.impression": "impressions", "ad.first_quartile": "first_quartiles", "ad.midpoint": "midpoints", "ad.third_quartile": "third_quartiles",
    "ad.complete": "completed_views", "ad.skip": "skips", "ad.click": "clicks", "ad.error": "errors", "ad.start": "starts", "ad.viewable": "viewable",
}  # fmt: skip
# What counts valid and invalid ones alike; the measures above are net.
GROSS_OF = {"ad.impression": "gross_impressions", "ad.complete": "gross_completed_views", "ad.click": "gross_clicks"}


def delivery(**measures: int) -> list[int]:
    """The measures of one fact in the rollup's order."""
    return [measures.get(name, 0) for name in DELIVERY.measures]
