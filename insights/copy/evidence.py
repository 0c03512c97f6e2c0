"""How headlines did in a segment, from the day rollups."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum

from ads.models import Ad, DeliveryDay

from .headlines import Segment, Shown

DAYS = 28


def shown_lines(*, segment: Segment, category: str, now: datetime) -> list[tuple[str, Shown]]:
    """(brand, line) of every ad of the category that ran with a headline in the last DAYS days."""
    ads = {
        ad["id"]: ad
        for ad in Ad.objects.filter(category=category).exclude(headline="").values("id", "headline", "flight__campaign__advertiser__name")
    }
    counted = delivered(list(ads), segment=segment, now=now)
    return [
        (ads[ad]["flight__campaign__advertiser__name"], Shown(ads[ad]["headline"], impressions, clicks))
        for ad, (impressions, clicks) in counted.items()
    ]


def delivered(ads: list[int], *, segment: Segment, now: datetime) -> dict[int, tuple[int, int]]:
    """Impressions and clicks of these ads in the segment."""
    rows = DeliveryDay.objects.filter(ad_id__in=ads, bucket__gte=now - timedelta(days=DAYS), bucket__lt=now)
    for name in ("device", "genre"):
        if value := getattr(segment, name):
            rows = rows.filter(**{name: value})
    return {row["ad_id"]: (row["shown"], row["clicked"]) for row in rows.values("ad_id").annotate(shown=Sum("impressions"), clicked=Sum("clicks"))}
