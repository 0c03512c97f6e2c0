"""What a delivery report can be split by, and which figures it can hold: names in the field's terms, and how each comes out of the rollups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "money", "share"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """``column`` is the expression over the rollup that rows are grouped by; ``names`` a relation that knows their names, with its key;
    ``own`` the same of one advertiser's rows, which takes that id. ``hourly`` takes the rollup of hours, which are not kept for good."""

    name: str
    label: str
    column: str
    names: tuple[str, str] | None = None
    own: str = ""
    hourly: bool = False
    of_time: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """``times * (plus - minus) / over``, of sums of the rollup's columns; without ``minus`` and ``over`` the column itself. Money is in
    micros, a share 0-1. What has an ``over`` does not add up from row to row: it is computed anew for the totals."""

    name: str
    label: str
    unit: Unit
    plus: tuple[str, ...]
    help: str
    minus: str = ""
    over: str = ""
    times: int = 1

    @property
    def added(self) -> bool:
        return not self.over

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (*self.plus, self.minus, self.over))))

    def compute(self, sums: Mapping[str, int]) -> int | float | None:
        """None where it would be divided by nothing."""
        value = sum(sums[name] for name in self.plus) - (sums[self.minus] if self.minus else 0)
        if not self.over:
            return value
        return self.times * value / sums[self.over] if sums[self.over] else None


def _day(unit: str) -> str:
    return f"(date_trunc('{unit}', d.bucket AT TIME ZONE 'UTC'))::date"


DIMENSIONS: dict[str, Dimension] = {
    one.name: one
    for one in (
        Dimension("advertiser", "Advertiser", "d.advertiser_id", ("ads_advertiser", "id"), "(SELECT id, name FROM ads_advertiser WHERE id = %s)"),
        Dimension("campaign", "Campaign", "d.campaign_id", ("ads_campaign", "id"), "(SELECT id, name FROM ads_campaign WHERE advertiser_id = %s)"),
        Dimension(
            "flight", "Flight", "d.flight_id", ("ads_flight", "id"),
            "(SELECT f.id, f.name FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id WHERE c.advertiser_id = %s)",
        ),
        Dimension(
            "ad", "Ad", "d.ad_id", ("ads_ad", "id"),
            "(SELECT a.id, a.name FROM ads_ad a JOIN ads_flight f ON f.id = a.flight_id JOIN ads_campaign c ON c.id = f.campaign_id"
            " WHERE c.advertiser_id = %s)",
        ),
        Dimension("title", "Title", "d.title_id", ("catalog_title", "id")),
        Dimension("genre", "Genre", "d.genre", ("catalog_genre", "slug")),
        Dimension("device", "Device", "d.device"),
        Dimension("month", "Month", _day("month"), of_time=True),
        Dimension("week", "Week from Monday", _day("week"), of_time=True),
        Dimension("day", "Day", _day("day"), of_time=True),
        Dimension("hour", "Hour of the day (UTC)", "extract(hour FROM d.bucket AT TIME ZONE 'UTC')::int", hourly=True, of_time=True),
    )
}  # fmt: skip


def _counted(name: str, label: str, column: str, words: str, *, minus: str = "") -> Measure:
    return Measure(name, label, "count", (column,), words, minus=minus)


def _share(name: str, label: str, column: str, over: str, words: str) -> Measure:
    return Measure(name, label, "share", (column,), words, over=over)


def _price(name: str, label: str, over: str, words: str, *, times: int = 1) -> Measure:
    return Measure(name, label, "money", ("revenue_micros",), words, over=over, times=times)


MEASURES: dict[str, Measure] = {
    one.name: one
    for one in (
        _counted("decided", "Slots won", "decided", "Slots of breaks that its ads won"),
        _counted("gross_impressions", "Impressions, gross", "gross_impressions", "All that were reported, valid or not"),
        _counted("invalid_impressions", "Impressions, invalid", "gross_impressions", "Reported and not counted", minus="impressions"),
        _counted("impressions", "Impressions", "impressions", "Net: reported, valid, counted once"),
        _counted("viewable", "Viewable", "viewable", "Half of it on screen for two seconds in a row (IAB, MRC)"),
        _share("viewability", "Viewability", "viewable", "impressions", "Viewable impressions of all counted ones"),
        _counted("starts", "Starts", "starts", "Began to play"),
        _counted("first_quartiles", "25 %", "first_quartiles", "Played a quarter"),
        _counted("midpoints", "50 %", "midpoints", "Played half"),
        _counted("third_quartiles", "75 %", "third_quartiles", "Played three quarters"),
        _counted("completes", "Completed views", "completed_views", "Played to the end"),
        _share("vcr", "VCR", "completed_views", "impressions", "View completion rate: completed views of counted impressions"),
        _counted("skips", "Skips", "skips", "Left by the viewer with the skip button"),
        _counted("clicks", "Clicks", "clicks", "Net: valid, counted once"),
        _counted("invalid_clicks", "Clicks, invalid", "gross_clicks", "Reported and not counted", minus="clicks"),
        _share("ctr", "CTR", "clicks", "impressions", "Click-through rate: clicks of counted impressions"),
        _counted("errors", "Errors", "errors", "Clips that a player could not play"),
        Measure("charged", "Charged", "money", ("revenue_micros", "reversed_micros"), "Before anything was given back"),
        Measure("given_back", "Given back", "money", ("reversed_micros",), "Charged and taken back since: found invalid, or refunded"),
        Measure("spend", "Spend", "money", ("revenue_micros",), "Net, at the time of delivery; statements go by the time of booking"),
        _price("ecpm", "eCPM", "impressions", "Spend for a thousand counted impressions", times=1000),
        _price("ecpcv", "eCPCV", "completed_views", "Spend for a completed view"),
        _price("cpc", "CPC", "clicks", "Spend for a click"),
    )
}
USUAL = ("impressions", "completes", "vcr", "clicks", "ctr", "spend", "ecpm")
MOST_DIMENSIONS = 4
