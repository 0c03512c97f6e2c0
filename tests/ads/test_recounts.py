"""Figures counted anew from events, decisions and the ledger are the figures that the consumer folded, and what is spoilt is set right."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adplatform.eventlog import consumer, rebuild, stream
from adplatform.eventlog.archive import archive_day, drop_partition
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.rebuild import RebuildRefused, Recount, check
from adplatform.models import RollupDay
from ads.closing import close_windows
from ads.models import AdEvent, DeliveryDay, DeliveryHour, DeliveryMinute, LedgerEntry
from ads.recounts import RECOUNTS
from ads.refunds import charge_refund
from ads.rollups import DELIVERY
from ads.serving import serve_break
from ads.validity import ORDERED

from .child import database_environment
from .inventory import NOW, make_ad, make_request, tracked
from .test_sums import given_back

pytestmark = pytest.mark.django_db(transaction=True)

DAY = NOW.date()
# Both days of the tests are over, and their minutes are kept.
LATER = NOW + timedelta(hours=30)
DELIVERED = next(recount for recount in RECOUNTS if recount.rollup is DELIVERY)
KINDS = (*ORDERED, "ad.heartbeat", "ad.error", "ad.skip", "ad.viewable", "ad.impression", "ad.click", "ad.complete")
HAPPENED = st.tuples(
    st.integers(0, 7), st.sampled_from(KINDS), st.sampled_from([-400, 0, 1, 6, 10, 16_000]), st.sampled_from([0, 1, 150, 40_000]), st.booleans()
)
STEPS = st.lists(st.one_of(st.lists(HAPPENED, min_size=1, max_size=16), st.sampled_from(["close", "refund", "again"])), min_size=2, max_size=8)


@pytest.fixture
def breaks() -> list[Any]:
    """Ads of each pricing, shown on several devices in several films, by viewers and by the synthetic audience, before midnight and after."""
    for pricing, bid in (("cpm", 20_000_000), ("cpc", 1_000_000), ("cpcv", 30_000)):
        make_ad(pricing=pricing, bid_micros=bid)
    make_ad(targeting={"include": {"devices": ["mobile"]}}, budget_micros=2_500)
    shown: list[Any] = []
    for number, device in enumerate(("tv", "mobile", "desktop", "tv", "tv")):
        request = make_request(device=device, title=number % 2 + 1, genres=("drama", "crime")[number % 2 :], synthetic=number == 3, duration=35.5)
        shown += serve_break(request, now=NOW + timedelta(hours=number)).ads
    consumer.drain(now=NOW + timedelta(hours=4))
    assert len(shown) >= 8
    return shown


def event(ad: Any, kind: str, occurred: int, delay: int, *, robot: bool) -> Event:
    at = NOW + timedelta(seconds=occurred)
    return replace(tracked(ad.token, kind, at=at), received_at=max(at, NOW) + timedelta(seconds=delay), invalid="robot" if robot else "")


def send(events: list[Event]) -> None:
    stream.append(events)
    consumer.drain(now=max(one.received_at for one in events))


def differences(days: tuple[date, ...] = (DAY, DAY + timedelta(days=1))) -> list[str]:
    return [found.line for recount in RECOUNTS for day in days if (found := check(recount, day, now=LATER)).differences]


def rows(recount: Recount = DELIVERED) -> list[Any]:
    names = ", ".join(("bucket", *recount.rollup.keys, *recount.rollup.measures))
    found = []
    with connection.cursor() as cursor:
        for table in recount.rollup.tables().values():
            cursor.execute(f"SELECT {names} FROM {table} ORDER BY {names}")
            found.append(cursor.fetchall())
    return found


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_whatever_is_stored_counted_anew_it_is_what_was_folded(breaks: list[Any]) -> None:
    lead = User.objects.create_user("lead")

    @settings(max_examples=6)
    @given(steps=STEPS)
    def folded(steps: list[Any]) -> None:
        with undone():
            sent: list[Event] = []
            for step in steps:
                if step == "close":
                    close_windows(now=NOW + timedelta(seconds=300))
                elif step == "refund":
                    if entry := LedgerEntry.objects.filter(amount_micros__gt=0).exclude(decision__in=given_back()).order_by("pk").first():
                        charge_refund(actor=lead, entry=entry, note="By chance")
                elif step == "again":
                    if sent:
                        send(sent[::-1])
                else:
                    batch = [event(breaks[slot], *told, robot=robot) for slot, *told, robot in step]
                    sent += batch
                    send(batch)
            assert differences() == []

    folded()
    assert differences() == []


def filled(breaks: list[Any]) -> None:
    send([event(ad, kind, 5 + step * 3, 1, robot=False) for ad in breaks for step, kind in enumerate(("ad.impression", "ad.click", "ad.complete"))])
    send([event(breaks[0], "ad.error", 16_000, 1, robot=True)])
    assert differences() == []


def test_rows_that_are_gone_wrong_or_made_up_are_set_right(breaks: list[Any]) -> None:
    filled(breaks)
    before = rows()
    assert sum(map(len, before)) > 10
    DeliveryMinute.objects.filter(impressions__gt=0).delete()
    DeliveryHour.objects.update(revenue_micros=7, clicks=3)
    DeliveryDay.objects.create(
        bucket=datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC), advertiser_id=1, campaign_id=1, flight_id=1, ad_id=99, clicks=5
    )
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("rebuild_rollups", "--day", str(DAY), "--room", "ads", "--check", stdout=output, stderr=StringIO())
    assert "by day 1 row differs (clicks 5 too many)" in output.getvalue()
    assert "[5/5]" in output.getvalue()
    assert rows() != before
    for day in (DAY, DAY + timedelta(days=1)):
        rebuild.rebuild(DELIVERED, day, now=LATER)
    assert rows() == before
    state = RollupDay.objects.get(name="ads.delivery", day=DAY)
    assert (state.state, state.found["day"]) == ("done", {"rows": 1, "measures": {"clicks": [0, 5]}})
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    state.refresh_from_db()
    assert (state.differed, state.words) == (0, "")


def test_revenue_comes_from_the_ledger_whatever_the_events_say(breaks: list[Any]) -> None:
    filled(breaks)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ads_adevent")
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    day = DeliveryDay.objects.filter(bucket__date=DAY)
    assert sum(day.values_list("impressions", flat=True)) == 0
    assert sum(day.values_list("revenue_micros", flat=True)) == sum(LedgerEntry.objects.values_list("amount_micros", flat=True)) > 0


def test_an_impression_stored_before_its_decision_moves_to_where_it_was_shown() -> None:
    make_ad()
    (ad,) = serve_break(make_request(max_ads=1), now=NOW).ads
    logged: Any = stream.client().xrange(stream.STREAM)
    (waiting,) = [fields[stream.FIELD] for _, fields in logged]
    stream.client().delete(stream.STREAM)
    send([event(ad, "ad.impression", 1, 0, robot=False)])
    stream.append_payloads([waiting])
    consumer.drain(now=NOW)
    assert DeliveryDay.objects.get(impressions=1).device == ""
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    (row,) = DeliveryDay.objects.all()
    assert (row.device, row.decided, row.impressions) == ("tv", 1, 1)


def test_a_day_that_is_not_over_is_not_rebuilt() -> None:
    with pytest.raises(RebuildRefused, match="not over yet"):
        rebuild.rebuild(DELIVERED, DAY, now=NOW)
    with pytest.raises(CommandError, match="No room is called adds"):
        call_command("rebuild_rollups", "--room", "adds")


def test_events_that_come_late_while_their_day_is_rebuilt_count_once(breaks: list[Any]) -> None:
    filled(breaks)
    DeliveryHour.objects.filter(bucket__date=DAY).update(impressions=1_000)
    stop = threading.Event()
    failed: list[Exception] = []

    def again() -> None:
        try:
            while not stop.is_set():
                for recount in RECOUNTS:
                    rebuild.rebuild(recount, DAY, now=LATER)
        except Exception as error:  # noqa: BLE001 (told by the test below)
            failed.append(error)
        finally:
            connection.close()

    rebuilding = [threading.Thread(target=again) for _ in range(2)]
    for thread in rebuilding:
        thread.start()
    for late in range(15):
        send([event(ad, kind, 20 + late, 30_000, robot=late % 3 == 0) for ad in breaks for kind in ("ad.first_quartile", "ad.heartbeat", "ad.error")])
        close_windows(now=NOW + timedelta(seconds=31_000))
    stop.set()
    for thread in rebuilding:
        thread.join(60)
    assert failed == []
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    assert differences() == []
    told = sum(DeliveryHour.objects.values_list("errors", flat=True)) + sum(DeliveryHour.objects.values_list("invalid", flat=True))
    assert told == AdEvent.objects.filter(type="ad.error", valid=True).count() + AdEvent.objects.filter(valid=False).count() > 0


def test_a_day_that_got_more_since_or_was_left_half_done_is_counted_again(breaks: list[Any]) -> None:
    filled(breaks)
    now = LATER
    ours = {recount.rollup.name for recount in RECOUNTS}

    def waiting() -> list[tuple[str, date]]:
        return [(recount.rollup.name, day) for recount, day in rebuild.due(now=now) if recount.rollup.name in ours]

    assert ("ads.delivery", DAY) in waiting()
    for recount, day in rebuild.due(now=now):
        rebuild.rebuild(recount, day, now=now)
    assert waiting() == []
    send([event(breaks[0], "ad.midpoint", 40, 50_000, robot=True)])
    assert waiting() == [("ads.delivery", DAY), ("ads.invalid", DAY)]
    RollupDay.objects.filter(name="ads.breaks", day=DAY).update(state="started")
    assert ("ads.breaks", DAY) in waiting()


def test_a_rebuild_that_was_killed_is_seen_and_done_again(breaks: list[Any]) -> None:
    filled(breaks)
    DeliveryDay.objects.update(impressions=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rebuild ads.delivery {DAY}"])
        command = [sys.executable, "manage.py", "rebuild_rollups", "--day", str(DAY), "--room", "ads"]
        with subprocess.Popen(command, env=database_environment(), stdout=subprocess.DEVNULL) as killed:
            while not RollupDay.objects.filter(name="ads.delivery").exists():
                assert killed.poll() is None
                threading.Event().wait(0.05)
            killed.send_signal(signal.SIGKILL)
    assert RollupDay.objects.get(name="ads.delivery").state == RollupDay.State.STARTED
    assert ("ads.delivery", DAY) in [(recount.rollup.name, day) for recount, day in rebuild.due(now=LATER)]
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    assert differences() == []


def test_a_day_that_left_the_database_is_counted_from_its_archive(breaks: list[Any], settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    filled(breaks)
    now = NOW + timedelta(days=5)
    for table in ("ads_adevent", "ads_decision"):
        for day in (DAY, DAY + timedelta(days=1)):
            archive_day(table, day, now=now)
            assert drop_partition(table, day, now=now)
    assert not AdEvent.objects.exists()
    assert not check(DELIVERED, DAY, now=LATER).differences
    # A retry after the drop is stored and folded once more: the archive knows that it was there already.
    send([event(breaks[0], "ad.impression", 5, 1, robot=False)])
    found = check(DELIVERED, DAY, now=LATER)
    assert found.words.startswith("by minute 1 row differs (impressions 1 too many")
    assert f"ads_adevent of {DAY}" in found.archived
    rebuild.rebuild(DELIVERED, DAY, now=LATER)
    assert not check(DELIVERED, DAY, now=LATER).differences
    for file in tmp_path.rglob("ads_adevent/*.parquet"):
        file.unlink()
    with pytest.raises(CommandError, match="bring the file back"):
        call_command("rebuild_rollups", "--day", str(DAY), "--room", "ads", stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM adplatform_archivedday; DROP TABLE ads_adevent_20260601")
    with pytest.raises(RebuildRefused, match="neither in the database nor in the archive"):
        rebuild.rebuild(next(one for one in RECOUNTS if one.rollup.name == "ads.invalid"), DAY, now=LATER)
