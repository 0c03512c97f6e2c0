"""Servers and processes killed between reserve and settle: nothing is billed twice, and the reservation comes back."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adplatform import runtime
from adplatform.eventlog import consumer, stream
from ads import reservation
from ads.closing import close_windows
from ads.live_inventory import raise_version
from ads.models import Ad, DeliveryDay, DeliveryHour, FlightBalance, LedgerEntry
from ads.reconcile import reconcile
from ads.refunds import charges_refund
from ads.serving import serve_break, stored_break
from tests.ads import child

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(seconds=30)


class PrivateRedis:
    """A redis-server of one test, configured as the event log's is, that may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "log.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        self._process = subprocess.Popen([runtime._redis_program(), *options, "--appendfsync", "everysec"], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        client = redis.Redis.from_url(self.url)
        while True:
            try:
                client.ping()
                break
            except redis.exceptions.ConnectionError:
                assert time.monotonic() < until, "the private Redis did not come up"
                time.sleep(0.02)
        client.close()

    def kill(self) -> None:
        """At a moment when all that was answered for has left its buffer; the kernel keeps what a killed process has written."""
        assert self._process is not None
        client = redis.Redis.from_url(self.url)
        while client.info("persistence").get("aof_buffer_length"):
            time.sleep(0.02)
        client.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def lose_its_disk(self) -> None:
        for file in self.folder.glob("appendonly*"):
            file.unlink()


@pytest.fixture
def private_redis(settings: Any) -> Iterator[PrivateRedis]:
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        server = PrivateRedis(Path(folder))
        server.start()
        settings.EVENTLOG_REDIS_URL = server.url
        try:
            yield server
        finally:
            stream.client().connection_pool.disconnect()
            server.kill()


def held(ad: Ad) -> tuple[int, int]:
    counters = reservation.counters(stream.client())[ad.flight_id]
    return counters.held_micros, counters.held_count


def amounts() -> list[int]:
    return list(LedgerEntry.objects.values_list("amount_micros", flat=True))


@pytest.mark.parametrize("disk_lost", [False, True])
def test_redis_killed_between_reserve_and_settle_has_its_reservation_back_and_bills_once(*, private_redis: PrivateRedis, disk_lost: bool) -> None:
    ad = make_ad(budget_micros=1_000)
    asked = make_request()
    served = serve_break(asked, now=NOW)
    if disk_lost:
        consumer.drain(now=NOW)
    private_redis.kill()
    with pytest.raises(stream.LogUnavailable):
        serve_break(make_request(), now=NOW)
    if disk_lost:
        private_redis.lose_its_disk()
    private_redis.start()

    assert not serve_break(make_request(), now=LATER).ads, "its last impression is promised to the viewer from before"
    assert held(ad) == (1_000, 1)
    if not disk_lost:
        assert serve_break(asked, now=LATER) == served
    for _ in range(2):
        track(served.ads[0].token, "ad.impression", at=LATER)
        consumer.drain(now=LATER)
    assert amounts() == [1_000]
    assert held(ad) == (0, 0)


def test_redis_killed_before_a_batch_was_acknowledged_lets_it_be_stored_again_without_effect(private_redis: PrivateRedis) -> None:
    ad = make_ad()
    track(serve_break(make_request(), now=NOW).ads[0].token, "ad.impression", at=NOW)
    stream.ensure_group()
    entries = stream.read("dies", count=100, block_ms=None)
    consumer._store([consumer._read(entry, frozenset({"ad.decision", "ad.impression"}), NOW) for entry in entries], NOW)
    assert stream.backlog()["oldest_ms"] is None
    copies = [entry.payload for entry in entries if entry.payload]
    stream.append_payloads(copies)
    private_redis.kill()
    with pytest.raises((consumer.Unavailable, redis.exceptions.RedisError)):
        consumer.drain(now=NOW)
    private_redis.start()
    consumer.drain(now=NOW)
    assert amounts() == [1_000]
    assert FlightBalance.objects.get(flight=ad.flight).impressions == 1
    assert held(ad) == (0, 0)


def test_a_consumer_killed_between_its_commit_and_redis_settles_when_its_batch_comes_again() -> None:
    ad, viewer = make_ad(frequency_caps=[{"scope": "ad", "count": 1, "per": "day", "times": 1}]), uuid.uuid4()
    served = serve_break(make_request(viewer=viewer, consent=True), now=NOW)
    consumer.drain(now=NOW)
    client: Any = stream.client()
    before: dict[bytes, Any] = {key: client.dump(key) for key in client.scan_iter("delivery:*")}
    track(served.ads[0].token, "ad.impression", at=NOW)
    (payload,) = [fields[stream.FIELD] for _, fields in client.xrange(stream.STREAM)][-1:]
    consumer.drain(now=NOW)
    # As Redis was when the process died: the ad is held, and nobody has told of its impression.
    for key, value in before.items():
        client.restore(key, 0, value, replace=True)
    assert held(ad) == (1_000, 1)
    stream.append_payloads([payload])
    consumer.drain(now=NOW)
    assert (amounts(), held(ad), reservation.counters(client)[ad.flight_id].booked_micros) == ([1_000], (0, 0), 1_000)
    expired = NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1)
    assert not serve_break(make_request(viewer=viewer, consent=True), now=expired).ads, "the cap still counts what was shown"


def killed_web_process(session: uuid.UUID) -> None:
    process = child.start("die_before_answering", session=str(session), at=NOW.isoformat())
    assert process.wait(100) == -signal.SIGKILL


def test_a_web_process_killed_before_its_answer_is_answered_for_by_the_next_call_and_its_hold_expires_when_nobody_calls() -> None:
    best, ad = make_ad(bid_micros=40_000_000, goal_amount=1), make_ad(budget_micros=1_000)
    session = uuid.uuid4()
    killed_web_process(session)
    assert held(best)[1] == 1, "another viewer was faster"
    assert held(ad) == (1_000, 1)
    assert stored_break(session, "b1") is None
    assert not serve_break(make_request(), now=LATER).ads

    served = serve_break(make_request(session=session, max_ads=1), now=LATER)
    assert [one.ad for one in served.ads] == [ad.pk]
    assert serve_break(make_request(session=session, max_ads=1), now=LATER) == served
    assert held(ad) == (1_000, 1)

    expired = NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1)
    best.flight.campaign.flights.update(state="paused")
    raise_version()
    other = serve_break(make_request(), now=expired)
    assert [one.ad for one in other.ads] == [ad.pk]
    for token in (other.ads[0].token, served.ads[0].token):
        track(token, "ad.impression", at=expired)
    consumer.drain(now=expired)
    assert sorted(amounts()) == [0, 1_000]


# Everything at once, in any order


KINDS = ("ad.impression", "ad.click", "ad.complete", "ad.skip", "ad.first_quartile")
reports = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(KINDS), st.integers(0, 40)), max_size=25)


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(batches=st.lists(reports, min_size=1, max_size=3), close=st.booleans(), refunds=st.integers(0, 2))
def test_ledger_balances_and_rollups_tell_the_same_whatever_is_reported_in_whatever_order(
    sold: list[Ad], staff: Any, batches: Any, close: Any, refunds: int
) -> None:
    asked = [make_request(max_ads=3) for _ in range(2)]
    tokens = [ad.token for request in asked for ad in serve_break(request, now=NOW).ads]
    for batch in batches:
        for place, kind, seconds in batch:
            if tokens:
                track(tokens[place % len(tokens)], kind, at=NOW + timedelta(seconds=seconds))
                track(tokens[place % len(tokens)], kind, at=NOW + timedelta(seconds=seconds))
        consumer.drain(now=NOW + timedelta(seconds=60))
    if close:
        close_windows(now=NOW + timedelta(days=2))
    charged = list(LedgerEntry.objects.filter(amount_micros__gt=0).order_by("-pk")[:refunds])
    for _ in range(2):
        charges_refund(actor=staff, entries=charged, note="A wrong clip was shown")
    assert reconcile(stream.client(), now=NOW + timedelta(seconds=60), repair=False, grace=0.0).differences == ()
    for ad in sold:
        total = sum(LedgerEntry.objects.filter(flight=ad.flight).values_list("amount_micros", flat=True))
        for rollup in (DeliveryHour, DeliveryDay):
            assert sum(rollup.objects.filter(flight_id=ad.flight_id).values_list("revenue_micros", flat=True)) == total
        assert total <= ad.flight.budget_micros


@pytest.fixture
def sold() -> list[Ad]:
    return [
        make_ad(category="travel", budget_micros=25_000), make_ad(category="gaming", pricing="cpc", bid_micros=200_000, budget_micros=900_000),
        make_ad(category="finance", pricing="cpcv", bid_micros=30_000, budget_micros=200_000, goal_type="completed_views", goal_amount=6),
        make_ad(category="retail", daily_goal_amount=8),
    ]  # fmt: skip


@pytest.fixture
def staff(django_user_model: Any) -> Any:
    return django_user_model.objects.create(username="olga")
