from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from adplatform.asgi import application
from adplatform.eventlog import ids, stream
from adplatform.eventlog.envelope import decode
from engagement.director.features import SessionSignals
from engagement.playback import live
from engagement.playback.messages import cost, read
from engagement.playback.plan import next_epoch
from engagement.playback.publishing import change_plan, publish_to
from engagement.playback.sessions import Opened

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = [(b"origin", b"http://localhost"), (b"host", b"localhost")]


@asynccontextmanager
async def socket(path: str) -> AsyncIterator[WebsocketCommunicator]:
    communicator = WebsocketCommunicator(application, path, headers=ORIGIN)
    connected, _ = await communicator.connect()
    assert connected
    yield communicator
    await communicator.disconnect()


def path_of(session: Opened, token: str | None = None) -> str:
    return f"/ws/playback/{session.session.pk}/?token={session.token if token is None else token}"


def event(seq: int, kind: str = "playback.heartbeat", *, t: float | None = None, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    data = {"playing": True} | ({} if t is None else {"t": t})
    return {"v": 1, "id": str(ids.new_id(now)), "type": kind, "occurred_at": now.isoformat(), "seq": seq, "data": data} | more


async def say(communicator: WebsocketCommunicator, **message: Any) -> None:
    await communicator.send_to(text_data=json.dumps(message))


async def hear(communicator: WebsocketCommunicator, kind: str) -> dict[str, Any]:
    """The next message of this kind; others may come before it."""
    while True:
        message: dict[str, Any] = json.loads(await communicator.receive_from(timeout=10))
        if message["type"] == kind:
            return message


def logged(session: uuid.UUID) -> list[tuple[str, int]]:
    entries: Any = stream.client().xrange(stream.STREAM)
    events = [decode(fields[stream.FIELD]) for _, fields in entries]
    return [(one.type, one.seq) for one in events if one.session == session and one.type != "playback.session"]


@pytest.fixture
def finale(session: Opened) -> int:
    return session.state.plan.film[-1].id


@pytest.mark.parametrize(("token", "reason"), [("", "unsigned"), ("forged", "unsigned"), ("x" * 900, "unreadable_token")])
async def test_strangers_are_turned_away_with_the_reason(session: Opened, token: str, reason: str) -> None:
    async with socket(path_of(session, token)) as stranger:
        assert (await hear(stranger, "refused"))["reason"] == reason
        assert (await stranger.receive_output())["code"] == 4401


async def test_a_token_opens_its_own_session_only(session: Opened, other: Opened) -> None:
    async with socket(path_of(session, other.token)) as stranger:
        assert (await hear(stranger, "refused"))["reason"] == "wrong_session"


async def test_a_socket_from_another_site_is_not_accepted(session: Opened) -> None:
    communicator = WebsocketCommunicator(application, path_of(session), headers=[(b"origin", b"http://elsewhere.example"), (b"host", b"localhost")])
    connected, _ = await communicator.connect()
    assert not connected


async def test_events_are_logged_and_acknowledged_by_their_number(session: Opened) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="hello", last_seq=0)
        welcome = await hear(player, "welcome")
        assert welcome["acked_seq"] == 0
        assert welcome["timeline"]["items"][0]["t0"] == 0
        await say(player, type="events", events=[event(1, "playback.start", t=0), event(2, "ad.decision"), {"v": 1}, event(3, t=1.0)])
        ack = await hear(player, "ack")
        assert ack == {"type": "ack", "seq": 3, "refused": [{"index": 1, "reason": "server_only_type"}, {"index": 2, "reason": "unreadable"}]}
    assert logged(session.session.pk) == [("playback.start", 1), ("playback.heartbeat", 3)]


async def test_a_lost_connection_is_resumed_where_the_log_stands(session: Opened) -> None:
    first = event(1, t=3.0)
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[first])
        await hear(player, "ack")
    async with socket(path_of(session)) as player:
        await say(player, type="hello", last_seq=2)
        assert (await hear(player, "welcome"))["acked_seq"] == 1
        await say(player, type="events", events=[first, event(2, t=3.5)])
        assert (await hear(player, "ack"))["seq"] == 2
    kept = live.read(session.session.pk)
    assert kept is not None
    assert (kept.t, kept.acked_seq) == (3.5, 2)


async def test_what_is_sent_again_counts_once_in_the_live_windows(session: Opened) -> None:
    numbered, unnumbered = event(5, "playback.pause", t=3.0), event(0, "playback.pause", t=3.0)
    for _ in range(2):
        async with socket(path_of(session)) as player:
            await say(player, type="events", events=[numbered, unnumbered])
            await hear(player, "ack")
    kept = live.read(session.session.pk)
    assert kept is not None
    assert SessionSignals.decode(kept.signals).totals["pauses"] == 2


async def test_a_plan_that_grew_elsewhere_is_found_out(session: Opened, finale: int) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="hello", last_seq=0)
        await hear(player, "welcome")
        await database_sync_to_async(publish_to)(session.session.pk, finale, now=datetime.now(UTC))
        await say(player, type="events", events=[event(1, "playback.scene_start", position={"scene": finale, "offset": 0})])
        assert (await hear(player, "timeline"))["items"][-1]["id"] == finale


async def test_the_film_grows_as_the_playhead_moves(session: Opened) -> None:
    seen = session.state.plan.published_until
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[event(1, t=session.state.plan.published[-1].t0 + 0.1)])
        grown = await hear(player, "timeline")
    assert grown["published_until"] > seen
    assert grown["version"] > session.state.version


async def test_a_seek_beyond_the_horizon_publishes_up_to_there(session: Opened, finale: int) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="seek", position={"scene": finale, "offset": 1.0})
        grown = await hear(player, "timeline")
    assert grown["ended"]
    assert grown["items"][-1]["id"] == finale


@pytest.mark.parametrize(("text", "reason"), [("{", "unreadable"), ('{"type": "dance"}', "unreadable"), ('"' + "x" * 300_000 + '"', "too_large")])
async def test_what_cannot_be_read_is_answered_with_the_reason(session: Opened, text: str, reason: str) -> None:
    async with socket(path_of(session)) as player:
        await player.send_to(text_data=text)
        assert (await hear(player, "refused"))["reason"] == reason


async def test_who_sends_nonsense_only_is_shown_out(session: Opened) -> None:
    async with socket(path_of(session)) as player:
        for _ in range(50):
            await say(player, type="dance")
            assert (await hear(player, "refused"))["reason"] == "unreadable"
        assert (await player.receive_output())["code"] == 4429


async def test_after_a_flood_nothing_is_taken_and_so_nothing_acknowledged_that_was_lost(session: Opened) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[event(1)] * 301)
        await say(player, type="events", events=[event(302)])
        assert (await hear(player, "refused"))["reason"] == "flood"
        assert (await player.receive_output())["code"] == 4429
    assert logged(session.session.pk) == []


async def test_greetings_without_end_are_a_flood_and_an_empty_batch_is_not_free(session: Opened) -> None:
    assert [cost(read(text)) for text in ('{"type":"hello"}', '{"type":"events","events":[]}', '{"type":"events","events":[1,2]}')] == [10, 1, 2]
    async with socket(path_of(session)) as player:
        for _ in range(60):
            await say(player, type="hello")
        assert (await hear(player, "refused"))["reason"] == "flood"
        assert (await player.receive_output())["code"] == 4429


async def test_events_refused_while_the_log_is_away_are_not_acknowledged_by_later_ones(session: Opened, settings: Any) -> None:
    here = settings.EVENTLOG_REDIS_URL
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[event(1)])
        await say(player, type="hello", last_seq=1)
        assert (await hear(player, "welcome"))["acked_seq"] == 1
        settings.EVENTLOG_REDIS_URL = "redis://127.0.0.1:1/0"
        await say(player, type="events", events=[event(2)])
        assert (await hear(player, "refused"))["reason"] == "log_unavailable"
        settings.EVENTLOG_REDIS_URL = here
        await say(player, type="events", events=[event(3)])
        assert (await player.receive_output())["code"] == 1013
    async with socket(path_of(session)) as player:
        await say(player, type="hello", last_seq=3)
        assert (await hear(player, "welcome"))["acked_seq"] == 1
    assert [seq for _, seq in logged(session.session.pk)] == [1]


async def test_a_player_whose_playlist_is_over_moves_nothing_on_the_new_one(session: Opened) -> None:
    plan = session.state.plan
    async with socket(path_of(session)) as player:
        await say(player, type="hello", last_seq=0)
        await hear(player, "welcome")
        renewed = await database_sync_to_async(change_plan)(
            session.session.pk, lambda latest: next_epoch(latest, scene_id=plan.played[0], offset=0, seen_until=0)[0]
        )
        await database_sync_to_async(live.keep)(session.session.pk, live.begun(epoch=renewed.plan.epoch, t=0.0, now=datetime.now(UTC)))
        await say(player, type="events", events=[event(1, t=plan.published[-1].t0 + 0.1)])
        assert (await hear(player, "refused"))["reason"] == "epoch_over"
        assert (await player.receive_output())["code"] == 4410
    kept = live.read(session.session.pk)
    assert kept is not None
    assert (kept.t, kept.epoch) == (0.0, renewed.plan.epoch)
    assert ("playback.heartbeat", 1) in logged(session.session.pk)
