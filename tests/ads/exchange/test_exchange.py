"""What is sold goes out as a table and comes back: the same, or what was changed in it, or every bad line named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from adplatform.permissions import AD_OPS, READ_ONLY
from ads.exchange import cells, files, run
from ads.models import Ad, Campaign, Flight
from catalog.models import Genre, Title

from ..inventory import make_ad

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("planner")


def sold(**flight: Any) -> Ad:
    now = datetime.now(UTC)
    terms: dict[str, Any] = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=30, seconds=7), "bid_micros": 18_500_000}
    return make_ad(**(terms | flight))


def table_of(kind: str, staff: User) -> files.Table:
    model = {"flight": Flight, "campaign": Campaign, "ad": Ad}[kind]
    headers, rows = run.exported(kind, model._default_manager.all(), user=staff)
    return files.read_table(files.write_xlsx(headers, rows, kind))


def changed(table: files.Table, **values: str) -> files.Table:
    """The first row with other cells; a column is named with _ for each space."""
    row = list(table.rows[0])
    for column, value in values.items():
        row[table.headers.index(column.replace("_", " "))] = value
    return files.Table(table.headers, (tuple(row), *table.rows[1:]), table.lines)


@pytest.fixture
def rich() -> Ad:
    Genre.objects.create(name="Horror", slug="horror")
    title = Title.objects.create(name="Wildfire Road", slug="wildfire-road", maturity="PG")
    return sold(
        campaign={"targeting": {"include": {"devices": ["tv", "mobile"]}}, "frequency_caps": [{"scope": "campaign", "count": 8, "per": "week", "times": 1}], "notes": "=cmd"},
        targeting={"include": {"titles": [title.pk], "weekdays": [5, 6], "dayparts": [0, 23]}, "exclude": {"countries": ["AT"]}},
        frequency_caps=[{"scope": "flight", "count": 3, "per": "day", "times": 1}, {"scope": "advertiser", "count": 1, "per": "pod", "times": 1}],
        goal_type="spend", goal_amount=99_500_000, daily_budget_micros=5_000_000, excluded_categories=["travel"], strict_caps=True, pacing="front_loaded",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["campaign", "flight", "ad"])
def test_what_was_exported_and_comes_back_changes_nothing(kind: str, rich: Ad, staff: User) -> None:
    sold(tier="sponsorship", share_of_voice=0.25, goal_amount=None)
    outcome = run.examine(kind, table_of(kind, staff), user=staff)
    assert (outcome.changes, outcome.problems, outcome.unchanged) == ((), (), 2)


def test_rows_are_written_as_people_read_them(rich: Ad, staff: User) -> None:
    headers, (row,) = run.exported("flight", Flight.objects.all(), user=staff)
    told = dict(zip(headers, row, strict=True))
    assert told["Bid"] == "18.5 USD"
    assert told["Goal"] == "99.5 USD"
    assert set(told["Targeting"].split("; ")) == {"titles: wildfire-road", "weekdays: Sat, Sun", "dayparts: 0, 23", "countries not: AT"}
    assert told["Frequency caps"] == "3 per day; 1 per break per advertiser"


def test_a_changed_cell_changes_that_field_alone_and_is_told_by_the_history(rich: Ad, staff: User) -> None:
    table = changed(table_of("flight", staff), Bid="20", Targeting="devices: tv")
    seen = run.examine("flight", table, user=staff)
    assert [cell[0] for cell in seen.changes[0].cells] == ["Bid", "Targeting"]
    assert Flight.objects.get().bid_micros == 18_500_000
    assert run.carry_out("flight", table, user=staff, skip_bad=False).written
    flight = Flight.objects.get()
    assert (flight.bid_micros, flight.targeting) == (20_000_000, {"include": {"devices": ["tv"]}})
    last = flight.history.first()
    assert (last.history_change_reason, last.history_user) == ("Imported", staff)


def test_a_name_that_is_not_there_makes_a_draft(rich: Ad, staff: User) -> None:
    table = changed(table_of("flight", staff), Flight="Autumn")
    assert run.carry_out("flight", table, user=staff, skip_bad=False).new == 1
    assert Flight.objects.get(name="Autumn").state == Flight.State.DRAFT


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"Bid": "cheap"}, "Bid", "is no amount"), ({"Bid": "3 EUR"}, "Bid", "is in EUR"), ({"Bid": "0.01"}, "Bid", "below the reserve"),
        ({"Ends_(UTC)": "soon"}, "Ends (UTC)", "is no time"), ({"Ends_(UTC)": "2026-01-01"}, "Ends (UTC)", "ends before it starts"),
        ({"Tier": "gold"}, "Tier", "none of sponsorship"), ({"Targeting": "planets: mars"}, "Targeting", "is no targeting"),
        ({"Targeting": "devices: toaster"}, "Targeting", "does not know toaster"), ({"Targeting": "titles: nowhere"}, "Targeting", "no title"),
        ({"Frequency_caps": "often"}, "Frequency caps", "is no cap"), ({"Priority": "high"}, "Priority", "no whole number"),
        ({"Campaign": "Nobody's"}, "Campaign", "There is no campaign"), ({"Strict_caps": "maybe"}, "Strict caps", "neither yes nor no"),
        ({"Pricing": "cpc"}, "Pricing", "its pricing stays"), ({"Goal_type": "impressions", "Goal": "many"}, "Goal", "is no count"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_column_and_a_sentence(rich: Ad, staff: User, cells: dict[str, str], column: str, words: str) -> None:
    outcome = run.carry_out("flight", changed(table_of("flight", staff), **cells), user=staff, skip_bad=False)
    assert any(problem.line == 2 and problem.column == column and words in problem.words for problem in outcome.problems), outcome.problems
    assert not outcome.written


def test_nothing_is_written_unless_every_line_is_good_or_the_bad_ones_are_left_out(staff: User) -> None:
    first, second = sold(), sold()
    table = table_of("flight", staff)
    place = table.headers.index("Bid")
    rows = (
        tuple("25" if at == place else cell for at, cell in enumerate(table.rows[0])),
        tuple("x" if at == place else cell for at, cell in enumerate(table.rows[1])),
    )
    table = files.Table(table.headers, (*rows, rows[0]), (2, 3, 4))
    outcome = run.carry_out("flight", table, user=staff, skip_bad=False)
    assert (outcome.written, outcome.bad_lines) == (False, 2)
    assert "stands in line 2 already" in outcome.problems[-1].words
    assert not Flight.objects.filter(bid_micros=25_000_000).exists()
    assert run.carry_out("flight", table, user=staff, skip_bad=True).written
    assert list(Flight.objects.filter(bid_micros=25_000_000)) == [first.flight]
    assert second.flight.history.count() == 1


def test_columns_that_nobody_has_and_keys_that_are_missing_are_told(staff: User) -> None:
    for headers, words in ((("Campaign", "Flight", "Colour"), "no column Colour"), (("Campaign", "Bid"), "Flight is missing")):
        with pytest.raises(files.WrongFile, match=words):
            run.examine("flight", files.Table(headers, (("a", "b", "c")[: len(headers)],), (2,)), user=staff)


def test_targeting_with_hostile_values_reads_back_as_it_was() -> None:
    targeting = {"include": {"tags": ['a,b;"c"', "d: e"], "segments": ["x"]}, "exclude": {"break_positions": ["pre"]}}
    widget = cells.Targeting()
    assert widget.clean(widget.render(targeting)) == targeting


def test_the_page_shows_a_dry_run_then_writes_and_keeps_to_rights(rich: Ad, staff: User) -> None:
    client = Client()
    client.force_login(staff)
    listing = client.get(reverse("admin:ads_flight_changelist"), {"standing": "serving"}).text
    assert "exchange/export/?standing=serving&amp;format=csv" in listing
    exported = client.get(reverse("admin:ads_flight_export"), {"format": "csv"})
    assert exported["Content-Disposition"].startswith('attachment; filename="flights-')
    content = exported.content.replace(b"18.5 USD", b"19 USD")
    address = reverse("admin:ads_flight_import")
    page = client.post(address, {"file": SimpleUploadedFile("flights.csv", content)})
    assert "18.5 USD → 19 USD" in page.text
    token = page.context["token"]
    assert client.post(address, {"token": token, "agreed": "1"}).status_code == 302
    assert Flight.objects.get().bid_micros == 19_000_000
    assert "not kept any more" in client.post(address, {"token": token, "agreed": "1"}).text
    assert "neither CSV nor XLSX" in client.post(address, {"file": SimpleUploadedFile("a.csv", b"\0\1")}).text
    call_command("sync_groups", verbosity=0)
    for role, may in ((AD_OPS, 200), (READ_ONLY, 403)):
        user = User.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        assert client.get(address).status_code == may
        assert client.get(reverse("admin:ads_flight_export")).status_code == 200
