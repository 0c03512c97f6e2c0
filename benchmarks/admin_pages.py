# ruff: noqa: E501, S608 (rules in SQL, over names and figures of this file alone)
"""How long ad-ops wait for their pages: 10,000 flights with two million rollup rows and a million raw events behind them.

Every page is asked for through the whole application (middleware, permissions, templates) as an ad-ops lead, once to warm up and then
several times; the median counts. The goal is a second each.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness import Goal, Options, Row, empty, main, progress, row, seconds

FLIGHTS, PER_CAMPAIGN = 10_000, 20
GOAL = Goal(at_most=1_000)
SIZES = {"days": 60, "funnel_days": 20, "events": 1_000_000, "decisions": 2_000, "times": 3}
QUICK = {"days": 6, "funnel_days": 4, "events": 50_000, "decisions": 200, "times": 2}


def measure(options: Options) -> list[Row]:
    size = QUICK if options.quick else SIZES
    empty()
    now = datetime.now(UTC)
    _sold(now)
    _delivered(now, size)
    found = _amounts()
    return [*found, *_pages(size["times"])]


def _sold(now: datetime) -> None:
    """Flights of all kinds: live, behind, ahead, at risk, scheduled, paused, drafts and over, a tenth of their ads in review."""
    from ads.models import Ad, Advertiser, Campaign, Flight, FlightBalance, FlightForecast
    from catalog.models import MediaAsset

    progress(f"{FLIGHTS:,} flights")
    advertisers = Advertiser.objects.bulk_create(Advertiser(name=f"Advertiser {n}", category="travel") for n in range(100))
    campaigns = Campaign.objects.bulk_create(
        Campaign(advertiser=advertisers[n % 100], name=f"Campaign {n:04d}") for n in range(FLIGHTS // PER_CAMPAIGN)
    )
    states = ("live", "live", "live", "live", "live", "live", "paused", "draft", "ended", "live")
    flights = Flight.objects.bulk_create(
        [
            Flight(
                campaign=campaigns[n // PER_CAMPAIGN], name=f"Flight {n:05d}", state=states[n % 10], starts_at=now - timedelta(days=40 - n % 50),
                ends_at=now + timedelta(days=1 + n % 60), pricing="cpm", bid_micros=12_000_000 + n % 9 * 1_000_000, goal_type="impressions",
                goal_amount=100_000 + n, budget_micros=2_000_000_000, tier=("standard", "price_priority")[n % 2], pacing=("even", "asap")[n % 3 == 0],
            )
            for n in range(FLIGHTS)
        ],
        batch_size=1_000,
    )  # fmt: skip
    asset = MediaAsset.objects.create(kind="ad", key="bench", path="bench", duration=10.0, state="ready")
    Ad.objects.bulk_create(
        [
            Ad(flight=flight, name=f"Ad {n:05d}", asset=asset, category="travel", click_through="https://brand.example/", universal_ad_id=f"bench/{n}",
               review=Ad.Review.IN_REVIEW if n % 10 == 9 else Ad.Review.APPROVED)
            for n, flight in enumerate(flights)
        ],
        batch_size=1_000,
    )  # fmt: skip
    FlightBalance.objects.bulk_create(
        [
            FlightBalance(flight=flight, booked_micros=7_200_000 * (n % 140), impressions=600 * (n % 140), completed_views=300 * (n % 140), clicks=6 * (n % 140))
            for n, flight in enumerate(flights)
        ],
        batch_size=1_000,
    )  # fmt: skip
    week = [float(hour % 24) for hour in range(168)]
    FlightForecast.objects.bulk_create(
        [
            FlightForecast(flight=flight, computed_at=now, supply=week, requests=10_000, eligible=5_000, expected_delivery=(n % 100) * 1_000,
                           warning="Expected less than its goal: its cap leaves too little; loosen that cap or lower the goal." if n % 5 == 0 else "")
            for n, flight in enumerate(flights)
        ],
        batch_size=1_000,
    )  # fmt: skip


def _delivered(now: datetime, size: dict[str, int]) -> None:
    """What became of it, by rules in SQL: figures by day and by hour, the funnel, raw events, decisions, the ledger of today's."""
    from django.db import connection

    from adplatform.eventlog.partitions import ensure_partitions
    from ads.models import AdEvent, BreakDay, Decision, DeliveryDay, DeliveryHour, FunnelDay, FunnelHour

    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ensure_partitions((midnight - timedelta(days=back)).date() for back in range(8))
    sold = "ads_ad a JOIN ads_flight f ON f.id = a.flight_id JOIN ads_campaign c ON c.id = f.campaign_id"
    ids = {"advertiser_id": "c.advertiser_id", "campaign_id": "c.id", "flight_id": "f.id", "ad_id": "a.id"}
    figures = ids | {
        "bucket": "day", "device": "device", "genre": "'drama'", "title_id": "1", "synthetic": "false", "impressions": "10 + (a.id * 7 + extract(day from day)::int) % 90",
        "completed_views": "5 + a.id % 40", "clicks": "a.id % 3", "gross_clicks": "a.id % 3", "gross_completed_views": "5 + a.id % 40",
        "gross_impressions": "10 + (a.id * 7 + extract(day from day)::int) % 90", "revenue_micros": "120000 + a.id % 100 * 9000", "decided": "100",
    }  # fmt: skip
    days = f"generate_series('{midnight - timedelta(days=size['days'] - 1)}'::timestamptz, '{midnight}'::timestamptz, '1 day') day"
    hours = f"generate_series('{midnight - timedelta(days=1)}'::timestamptz, '{now}'::timestamptz, '1 hour') day"
    reasons = "unnest(ARRAY['won', 'runner_up', 'paced', 'frequency_cap', 'genre_not_targeted']) reason"
    funnel = {"bucket": "day", "flight_id": "f.id", "ad_id": "a.id", "reason": "reason", "synthetic": "false", "decisions": "10 + a.id % 50"}
    kept = f"generate_series('{midnight - timedelta(days=size['funnel_days'] - 1)}'::timestamptz, '{midnight}'::timestamptz, '1 day') day"
    with connection.cursor() as cursor:
        progress("figures by day")
        _fill(cursor, DeliveryDay, figures, f"{sold}, {days}, unnest(ARRAY['tv', 'mobile']) device")
        _fill(cursor, DeliveryHour, figures, f"{sold}, {hours}, unnest(ARRAY['tv']) device WHERE f.id % 10 = 0")
        progress("the funnel")
        _fill(cursor, FunnelDay, funnel, f"{sold}, {kept}, {reasons}")
        _fill(cursor, FunnelHour, funnel, f"{sold}, {hours}, {reasons} WHERE f.id % 10 = 0")
        _fill(
            cursor,
            BreakDay,
            {"bucket": "day", "device": "'tv'", "genre": "''", "synthetic": "false", "title_id": "1", "requests": "1000", "filled": "900"},
            days,
        )
        progress(f"{size['events']:,} events and {size['decisions']:,} decisions")
        moment = f"'{now}'::timestamptz - n * interval '{7 * 86_400_000_000 // size['events']} microseconds'"
        _fill(
            cursor, AdEvent,
            {"id": "gen_random_uuid()", "day": f"({moment})::date", "type": "'ad.impression'", "occurred_at": moment, "received_at": moment,
             "decision": "gen_random_uuid()", "slot": "0", "session": "gen_random_uuid()", "title": "1", "ad": "a.id", "flight": "f.id", "campaign": "c.id",
             "valid": "true", "reason": "''", "ip_hash": "''", "ua_hash": "''", "data": "'{}'::jsonb", "synthetic": "false", "judged_at": moment},
            f"generate_series(1, {size['events']}) n JOIN ads_ad a ON a.id = (SELECT min(id) FROM ads_ad) + n % {FLIGHTS} "
            "JOIN ads_flight f ON f.id = a.flight_id JOIN ads_campaign c ON c.id = f.campaign_id WHERE "
            f"{moment} >= '{midnight - timedelta(days=7)}'::timestamptz",
        )  # fmt: skip
        at = f"'{now}'::timestamptz - n * interval '{7 * 86_400_000 // size['decisions']} milliseconds'"
        first = "(SELECT min(id) FROM ads_ad)"
        told = (
            f"jsonb_build_object('candidates', jsonb_build_array(jsonb_build_object('ad', {first} + n % 100, 'flight', (SELECT min(id) FROM ads_flight) + n % 100, "
            f"'name', 'Ad', 'reason', 'won', 'words', 'Won this slot', 'score', 5.0)), "
            f"'others', jsonb_build_object('paced', (SELECT jsonb_agg({first} + k) FROM generate_series(0, 999) k)), 'considered', 1000, 'eligible', 1)"
        )
        _fill(
            cursor, Decision,
            {"id": "gen_random_uuid()", "day": f"({at})::date", "decided_at": at, "session": "gen_random_uuid()", "title": "1", "break_id": "'b' || n",
             "request": "'{\"device\": \"tv\", \"break_position\": \"mid\"}'::jsonb", "state": "'{}'::jsonb", "slots": "'[]'::jsonb", "explanation": told,
             "synthetic": "false", "control": "false", "model_arm": "''"},
            f"generate_series(1, {size['decisions']}) n WHERE {at} >= '{midnight - timedelta(days=7)}'::timestamptz",
        )  # fmt: skip
        progress("statistics")
        cursor.execute("ANALYZE")


def _fill(cursor: Any, model: Any, columns: dict[str, str], source: str) -> None:
    """Insert one row for each of ``source``: ``columns`` as SQL, every other count 0."""
    from django.db.models import BigIntegerField, FloatField

    known = {field.column: field for field in model._meta.concrete_fields}
    zeros = {
        name: "0"
        for name, field in known.items()
        if isinstance(field, BigIntegerField | FloatField) and not field.primary_key and not field.null and name not in columns
    }
    values = columns | zeros
    cursor.execute(f'INSERT INTO "{model._meta.db_table}" ({", ".join(values)}) SELECT {", ".join(values.values())} FROM {source}')


def _amounts() -> list[Row]:
    from ads.models import AdEvent, BreakDay, DeliveryDay, DeliveryHour, Flight, FunnelDay, FunnelHour

    rollups = sum(model._default_manager.count() for model in (DeliveryDay, DeliveryHour, FunnelDay, FunnelHour, BreakDay))
    return [row("flights", Flight.objects.count(), "rows"), row("rollups", rollups, "rows"), row("raw events", AdEvent.objects.count(), "rows")]


def _pages(times: int) -> list[Row]:
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from adplatform.permissions import AD_OPS_LEAD
    from ads.models import Flight

    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user("bench", is_staff=True)
    user.groups.add(Group.objects.get(name=AD_OPS_LEAD))
    # Named as a browser on this machine names it: without the test environment, which keeps a copy of every template's context.
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    flights, campaigns = reverse("admin:ads_flight_changelist"), reverse("admin:ads_campaign_changelist")
    shown = Flight.objects.order_by("pk")[0].pk
    columns = ("flight", "status", "delivery", "last 14 days", "spend", "CTR", "VCR", "days left")
    pages = {
        "home": reverse("admin:index"),
        "campaign list": campaigns,
        "campaign list, at risk": f"{campaigns}?standing=at_risk",
        "campaign list, sorted by pace": f"{campaigns}?o=3",
        "campaign list, sorted by spend": f"{campaigns}?o=-5",
        "flight list": flights,
        "flight list, page 100": f"{flights}?p=100",
        "flight list, at risk": f"{flights}?standing=at_risk",
        "flight list, behind and ending": f"{flights}?pace=behind&ends=7",
        "flight list, without an approved ad": f"{flights}?ads=not_approved",
        "flight list, searched": f"{flights}?q=Flight+0423",
        **{f"flight list, sorted by {name}": f"{flights}?o={-number if number % 2 else number}" for number, name in enumerate(columns, 1)},
        "flight page": reverse("admin:ads_flight_change", args=[shown]),
        "funnel (why it does not serve), 7 days": reverse("admin:ads_flight_why", args=[shown]),
        "funnel, 4 weeks": reverse("admin:ads_flight_why", args=[shown]) + "?time=4w",
        "ad list": reverse("admin:ads_ad_changelist"),
        "ad list, sorted by impressions": reverse("admin:ads_ad_changelist") + "?o=-8",
        "report by campaign": reverse("admin:report") + "?by=campaign&period=28d",
        "report by flight": reverse("admin:report") + "?by=flight&period=28d",
        "report by campaign, device and day": reverse("admin:report") + "?by=campaign,device,day&period=28d",
        "report day by day": reverse("admin:report") + "?by=day&period=28d",
    }
    return [_page(client, name, address, times) for name, address in pages.items()]


def _page(client: Any, name: str, address: str, times: int) -> Row:
    def ask() -> None:
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        # Large answers are streamed; the person waits for their end.
        _ = b"".join(answer.streaming_content) if answer.streaming else answer.content

    first = seconds(ask)
    taken = [seconds(ask) for _ in range(times)]
    progress(f"{name}: first {1000 * first:,.0f} ms, then {1000 * statistics.median(taken):,.0f} ms")
    return row(name, 1000 * statistics.median(taken), "ms", GOAL)


if __name__ == "__main__":
    main("admin_pages", measure)
