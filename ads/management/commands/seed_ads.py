"""The demo's ad inventory. Safe to run again: what is there stays as staff left it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from ads.demo_inventory import ADVERTISERS, SKIP_AFTER, DemoAdvertiser, DemoFlight
from ads.models import Ad, Advertiser, Campaign, Flight
from catalog.models import MediaAsset

MICROS = 1_000_000


class Command(BaseCommand):
    help = "Create the demo's 8 advertisers, 12 campaigns, their flights and 20 ads where missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        made = sum(_seed_advertiser(advertiser, midnight) for advertiser in ADVERTISERS)
        waiting = Ad.objects.exclude(asset__state=MediaAsset.State.READY).count()
        self.stdout.write(f"{made} ads created; {Ad.objects.count()} in all, {waiting} of them waiting for their clip")


def _seed_advertiser(demo: DemoAdvertiser, midnight: datetime) -> int:
    advertiser, _ = Advertiser.objects.get_or_create(name=demo.name, defaults={"category": demo.category, "website": demo.site})
    made = 0
    for name, flights in demo.campaigns.items():
        campaign, _ = Campaign.objects.get_or_create(name=name, defaults={"advertiser": advertiser})
        for flight in flights:
            made += _seed_flight(campaign, flight, demo, midnight)
    return made


def _seed_flight(campaign: Campaign, demo: DemoFlight, advertiser: DemoAdvertiser, midnight: datetime) -> int:
    flight, _ = Flight.objects.get_or_create(
        campaign=campaign,
        name=demo.name,
        defaults={
            "state": Flight.State.LIVE,
            "starts_at": midnight + timedelta(days=demo.starts),
            "ends_at": midnight + timedelta(days=demo.ends),
            "pricing": demo.pricing,
            "bid_micros": round(demo.bid * MICROS),
            "goal_type": demo.goal_type,
            "goal_amount": demo.goal * MICROS if demo.goal_type == Flight.Goal.SPEND else demo.goal,
            "budget_micros": round(demo.budget * MICROS),
            "daily_budget_micros": None if demo.daily is None else round(demo.daily * MICROS),
            "pacing": demo.pacing,
            "priority": demo.priority,
            "targeting": demo.targeting,
            "frequency_caps": demo.caps,
            "excluded_categories": demo.excludes,
            "strict_caps": demo.strict,
        },
    )
    return sum(_seed_ad(flight, key, name, demo, advertiser) for key, name in demo.ads.items())


def _seed_ad(flight: Flight, key: str, name: str, demo: DemoFlight, advertiser: DemoAdvertiser) -> bool:
    asset, _ = MediaAsset.objects.get_or_create(key=key, defaults={"kind": MediaAsset.Kind.AD})
    _, created = Ad.objects.get_or_create(
        universal_ad_id=f"intermission.example/{key}",
        defaults={
            "flight": flight,
            "name": name,
            "asset": asset,
            "category": advertiser.category,
            "click_through": f"{advertiser.site}?from={key}",
            "skip_after": SKIP_AFTER if demo.skippable else None,
            "review": Ad.Review.APPROVED,
        },
    )
    return created
