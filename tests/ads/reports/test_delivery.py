"""Delivery reports: rows, totals, limits and files say what the rollups say."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client, override_settings
from openpyxl import load_workbook

from ads.models import Ad, DeliveryDay, DeliveryHour, SavedFilter
from ads.reports.delivery import Delivery, delivery
from ads.reports.query import Unreadable, read_query
from catalog.models import Genre
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
TODAY = datetime(2026, 11, 20, tzinfo=UTC)


def delivered(
    ad: Ad,
    *,
    days: int = 0,
    hour: int = 0,
    device: str = "tv",
    genre: str = "",
    synthetic: bool = False,
    advertiser: int | None = None,
    **measures: int,
) -> None:
    at = TODAY - timedelta(days=days) + timedelta(hours=hour)
    campaign = ad.flight.campaign
    keys: dict[str, Any] = {
        "advertiser_id": campaign.advertiser_id if advertiser is None else advertiser, "campaign_id": campaign.pk, "flight_id": ad.flight_id,
        "ad_id": ad.pk, "device": device, "genre": genre, "synthetic": synthetic,
    }  # fmt: skip
    for model, bucket in ((DeliveryHour, at), (DeliveryDay, at.replace(hour=0))):
        row, _ = model.objects.get_or_create(bucket=bucket, **keys)
        for name, value in measures.items():
            setattr(row, name, getattr(row, name) + value)
        row.save()


def report(text: str, **more: Any) -> Delivery:
    return delivery(read_query(QueryDict(text), now=NOW, **more))


@pytest.fixture
def sold() -> tuple[Ad, Ad]:
    first, second = make_ad(), make_ad()
    delivered(first, impressions=100, gross_impressions=110, clicks=4, completed_views=50, revenue_micros=2_000_000, reversed_micros=500_000)
    delivered(first, device="mobile", hour=3, impressions=50, gross_impressions=50, clicks=1, revenue_micros=1_000_000)
    delivered(second, days=1, impressions=10, gross_impressions=10, viewable=7, starts=9)
    delivered(second, days=8, impressions=30, gross_impressions=30, revenue_micros=90_000)
    return first, second


def test_rows_are_summed_and_ratios_are_computed_from_the_sums(sold: tuple[Ad, Ad]) -> None:
    found = report("by=campaign&period=7d&show=impressions,invalid_impressions,ctr,ecpm,charged,spend,viewability")
    first, second = (row.figures for row in found.rows)
    assert found.rows[0].names == (sold[0].flight.campaign.name,)
    assert first == {
        "impressions": 150, "invalid_impressions": 10, "ctr": 5 / 150, "ecpm": 3_000_000_000 / 150, "charged": 3_500_000, "spend": 3_000_000,
        "viewability": 0,
    }  # fmt: skip
    assert (second["viewability"], second["ecpm"]) == (0.7, 0)
    assert (found.totals["impressions"], found.totals["ctr"], found.found, found.synthetic) == (160, 5 / 160, 2, "none")


def test_totals_are_of_all_rows_however_few_are_shown(sold: tuple[Ad, Ad]) -> None:
    found = report("by=day,campaign,flight,device&period=28d&rows=1&sort=-impressions&show=impressions")
    assert [row.figures["impressions"] for row in found.rows] == [100]
    assert (found.totals, found.found) == ({"impressions": 190}, 4)
    assert "The first 1 of 4 rows" in found.words[0]


def test_a_report_compares_with_as_much_time_before_row_by_row(sold: tuple[Ad, Ad]) -> None:
    found = report("by=campaign&period=7d&compare=1&show=impressions,ctr&sort=-impressions")
    assert [(row.figures["impressions"], row.before and row.before["impressions"]) for row in found.rows] == [(150, 0), (10, 30)]
    assert found.before == {"impressions": 30, "ctr": 0}
    by_day = report("by=day&period=7d&compare=1&show=impressions")
    assert (by_day.before, by_day.rows[0].before) == ({"impressions": 30}, None)


def test_it_is_limited_to_values_and_sorted_by_name_or_figure(sold: tuple[Ad, Ad]) -> None:
    first, second = sold
    assert report(f"by=device&ad={first.pk}&period=28d&sort=device").rows[0].keys == ("mobile",)
    assert report(f"by=&campaign={first.flight.campaign_id},{second.flight.campaign_id}&device=tv&period=28d&show=impressions").totals == {
        "impressions": 140
    }
    assert [row.keys for row in report("by=hour&period=28d&show=impressions&hour=3,4").rows] == [(3,)]
    names = sorted(ad.flight.campaign.name for ad in sold)
    assert [row.names[0] for row in report("by=campaign&period=28d&sort=campaign").rows] == names
    assert report("by=campaign&period=28d&genre=drama").rows == ()


def test_the_synthetic_audience_is_told_and_can_be_left_out(sold: tuple[Ad, Ad]) -> None:
    delivered(sold[0], synthetic=True, device="tablet", impressions=1_000)
    assert report("by=&period=28d").synthetic == "some"
    assert "synthetic" in report("by=&period=28d").words[-1]
    assert report("by=&period=28d&audience=viewers&show=impressions").totals == {"impressions": 190}
    assert report("by=&period=28d&audience=synthetic").synthetic == "all"


def test_whoever_is_narrowed_gets_their_own_rows_and_names_whatever_they_ask(sold: tuple[Ad, Ad]) -> None:
    first, second = sold
    own = first.flight.campaign.advertiser_id
    delivered(second, advertiser=own, device="desktop", impressions=5)
    found = report(
        f"by=advertiser,campaign&period=28d&show=impressions&campaign={first.flight.campaign_id},{second.flight.campaign_id}", advertiser=own
    )
    assert [(row.keys[1], row.names[1], row.figures["impressions"]) for row in found.rows] == [
        (first.flight.campaign_id, first.flight.campaign.name, 150), (second.flight.campaign_id, "(unknown)", 5),
    ]  # fmt: skip
    delivered(second, advertiser=0, device="tv", impressions=3)
    assert report("by=&period=28d&show=impressions", advertiser=0).totals == {"impressions": 0}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("by=planet", "“planet” is not among"), ("by=day,week,month,hour,title", "at most 4"), ("show=love", "not among decided"),
        ("period=soon", "not among today"), ("from=2026-11-31", "is no day"), ("to=2026-11-02", "from which day"), ("from=2026-11-09&to=2026-11-01", "lies before"),
        ("from=2001-01-01", "at most 5 years"), ("campaign=x", "is no id"), ("hour=noon", "0 to 23"), ("rows=0", "Rows are 1 to 5,000"),
        ("sort=planet", "a minus before it"), ("colour=red", "no parameter “colour”"), ("genre=%00", "No genre"), (f"campaign={','.join(map(str, range(60)))}", "At most 50"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(asked: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_query(QueryDict(asked), now=NOW)


@override_settings(ROLLUP_HOUR_DAYS=40)
def test_hours_that_are_no_longer_kept_are_refused_where_they_are_asked_for() -> None:
    with pytest.raises(Unreadable, match="kept since 11 Oct 2026"):
        read_query(QueryDict("by=hour&from=2026-09-01"), now=NOW)
    assert read_query(QueryDict("by=hour&from=2026-10-12"), now=NOW).hourly
    assert not read_query(QueryDict("by=day&from=2026-09-01"), now=NOW).hourly


@pytest.fixture
def client(sold: tuple[Ad, Ad]) -> Client:
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("planner"))
    return signed_in


def test_the_page_shows_rows_totals_and_what_stands_in_its_address(client: Client) -> None:
    Genre.objects.create(name="Drama", slug="drama")
    page = client.get("/admin/reports/?by=campaign&from=2026-11-01&to=2026-11-20&show=impressions,ctr&compare=1&genre=-").content.decode()
    assert "All 2 rows" in page
    assert ">190<" in page
    assert 'value="impressions" checked' in page
    assert "report-chart-data" in page
    assert "is no day" in client.get("/admin/reports/?from=1").content.decode()


def test_files_hold_every_row_exactly_and_run_nothing(client: Client, sold: tuple[Ad, Ad]) -> None:
    campaign = sold[0].flight.campaign
    campaign.name = '=HYPERLINK("https://bad.example")'
    campaign.save()
    address = "/admin/reports/?by=campaign,day&from=2026-11-01&to=2026-11-20&show=impressions,spend,ctr&sort=-spend"
    answer: Any = client.get(f"{address}&format=csv")
    assert "attachment" in answer["Content-Disposition"]
    head, *rows = csv.reader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert head == ["Campaign id", "Campaign", "Day", "Impressions", "Spend (USD)", "CTR (share of 1)"]
    assert rows[0] == [str(campaign.pk), "'" + campaign.name, "2026-11-20", "150", "3.000000", repr(5 / 150)]
    assert len(rows) == 3
    book: Any = client.get(f"{address}&format=xlsx")
    sheet = load_workbook(io.BytesIO(b"".join(book.streaming_content))).active
    assert next([cell.value for cell in row] for row in sheet.iter_rows(min_row=2, max_row=2))[:3] == [campaign.pk, "'" + campaign.name, "2026-11-20"]


def test_a_report_is_kept_under_a_name_by_whom_it_belongs_to(client: Client) -> None:
    client.post("/admin/reports/saved/", {"name": "Mine", "query": "by=day", "shared": "1"})
    client.post("/admin/reports/saved/", {"name": "Mine", "query": "by=week", "shared": "1"})
    kept = SavedFilter.objects.get()
    assert (kept.page, kept.query, kept.shared) == ("report", "by=week", True)
    other = Client()
    other.force_login(User.objects.create_superuser("colleague"))
    assert "?by=week" in other.get("/admin/reports/").content.decode()
    other.post(f"/admin/reports/saved/{kept.pk}/remove/")
    assert SavedFilter.objects.exists()
    client.post(f"/admin/reports/saved/{kept.pk}/remove/")
    assert not SavedFilter.objects.exists()


def test_values_to_limit_it_to_are_found_by_a_part_of_their_name(client: Client, sold: tuple[Ad, Ad]) -> None:
    name = sold[0].flight.campaign.name
    found = client.get("/admin/reports/options/", {"of": "flight", "q": name}).json()["options"]
    assert {"value": str(sold[0].flight_id), "name": f"{name} / Flight"} in found
    assert client.get("/admin/reports/options/", {"of": "viewer", "q": ""}).status_code == 400
