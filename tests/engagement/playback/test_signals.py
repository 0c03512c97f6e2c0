"""What a client says on the socket and in its last words: good signals move the live state once, bad ones get a reason and cost nothing."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from adplatform.eventlog import ids, metrics, stream, tokens
from adplatform.eventlog.envelope import decode
from engagement.director.features import SessionSignals
from engagement.models import PlaybackSession
from engagement.playback import live, polling
from engagement.playback.edits import EditRefused, reordered
from engagement.playback.plan import Note
from engagement.playback.publishing import change_plan, load
from engagement.playback.sessions import Opened
from tests.engagement.playback.test_directing import decisions, scene_start
from tests.engagement.playback.test_socket import event, hear, logged, path_of, say, socket

pytestmark = pytest.mark.django_db(transaction=True)


def signals_of(session: Opened) -> SessionSignals:
    kept = live.read(session.session.pk)
    assert kept is not None
    return SessionSignals.decode(kept.signals)


def counted(reason: str) -> float:
    return float(metrics.REFUSED.labels(reason=reason)._value.get())


async def test_every_bad_signal_of_a_batch_has_its_reason_and_the_good_ones_stand(session: Opened, other: Opened) -> None:
    scene = session.state.plan.film[0].id
    old = str(ids.new_id(datetime.now(UTC) - timedelta(hours=25)))
    bad = [
        ("bad_signal", event(2, "playback.volume", t=1.0) | {"data": {"volume": -3}}),
        ("bad_signal", event(3, "playback.rate") | {"data": {"rate": "fast"}}),
        ("offset_outside_scene", event(4, position={"scene": scene, "offset": 900.0})),
        ("unknown_scene", event(5, position={"scene": 999_999, "offset": 0.0})),
        ("wrong_session", event(6, session=str(other.session.pk))),
        ("id_time_out_of_window", event(7, id=old)),
        ("id_not_uuid7", event(8, id=str(uuid.uuid4()))),
        ("unknown_type", event(9, "playback.dance")),
        ("unreadable", event(10, position={"scene": -1, "offset": 0})),
        ("unreadable", event(-1)),
        ("unstorable_data", event(11) | {"data": {"note": "a\x00b"}}),
        ("data_too_large", event(12) | {"data": {"notes": ["x" * 1900] * 3}}),
    ]
    before = {reason: counted(reason) for reason, _ in bad}
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[event(1, "playback.pause", t=0.5), *(one for _, one in bad), event(13, "playback.play", t=0.5)])
        ack = await hear(player, "ack")
    assert [(one["index"], one["reason"]) for one in ack["refused"]] == [(place, reason) for place, (reason, _) in enumerate(bad, start=1)]
    assert ack["seq"] == 13
    assert logged(session.session.pk) == [("playback.pause", 1), ("playback.play", 13)]
    assert {reason: counted(reason) - before[reason] for reason in before} == {reason: [one for one, _ in bad].count(reason) for reason in before}
    assert signals_of(session).totals == {"pauses": 1}


async def test_an_event_twice_in_one_batch_counts_once(session: Opened) -> None:
    pause = event(5, "playback.pause", t=3.0)
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[pause, pause])
        await hear(player, "ack")
    assert signals_of(session).totals["pauses"] == 1


async def test_a_token_that_is_over_opens_nothing(session: Opened) -> None:
    late = int((datetime.now(UTC) - timedelta(seconds=5)).timestamp())
    token = tokens.sign(tokens.SessionToken(session.session.pk, None, session.session.title_id, late))
    async with socket(path_of(session, token)) as stranger:
        assert (await hear(stranger, "refused"))["reason"] == "expired_token"


async def test_a_session_that_was_deleted_is_unknown(session: Opened) -> None:
    await PlaybackSession.objects.filter(pk=session.session.pk).adelete()
    async with socket(path_of(session)) as player:
        await say(player, type="hello")
        assert (await hear(player, "refused"))["reason"] == "unknown_session"


def test_last_words_over_http_stop_the_clock(session: Opened, client: Client) -> None:
    now = datetime.now(UTC)
    item = session.state.plan.published[0]
    words = [
        event(7, "playback.pause", t=2.0),
        event(8, "playback.leave", t=2.0, position={"scene": item.scene, "offset": 2.0}) | {"data": {"t": 2.0, "watched": 2.0}},
    ]
    for _ in range(2):  # browsers send a beacon again where the first answer was lost
        body = json.dumps({"session_token": session.token, "events": words})
        answer = client.post("/api/v1/events", body, content_type="text/plain")
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "refused": []})
    kept = live.read(session.session.pk)
    assert kept is not None
    assert (kept.t, kept.playing, kept.acked_seq) == (2.0, False, 8)
    assert signals_of(session).totals["pauses"] == 1
    later = polling.polled(load(session.session.pk), now=now + timedelta(minutes=10))
    assert later.version == session.state.version


async def test_what_was_told_over_http_is_neither_lost_nor_counted_again_when_the_socket_is_back(session: Opened, client: Client) -> None:
    pause = event(3, "playback.pause", t=1.0)
    async with socket(path_of(session)) as player:
        body = json.dumps({"session_token": session.token, "events": [pause]})
        await database_sync_to_async(client.post)("/api/v1/events", body, content_type="application/json")
        await say(player, type="hello", last_seq=3)
        assert (await hear(player, "welcome"))["acked_seq"] == 3
        await say(player, type="events", events=[pause, event(4, t=1.5)])
        assert (await hear(player, "ack"))["seq"] == 4
    assert signals_of(session).totals["pauses"] == 1


async def test_a_film_wanted_as_edited_stays_so_after_a_reload(session: Opened) -> None:
    blue, yellow, cyan, finale = (scene.id for scene in session.state.plan.film[2:])
    moved = (yellow, blue, cyan, finale)
    await database_sync_to_async(change_plan)(session.session.pk, lambda plan: reordered(plan, moved, note=Note(yellow, "stronger")))
    async with socket(path_of(session)) as player:
        await say(player, type="hello")
        assert [one["id"] for one in (await hear(player, "welcome"))["timeline"]["foreseen"] if one["kind"] == "scene"] == list(moved)
        for _ in range(2):  # the second time nothing changes, and it is answered all the same
            await say(player, type="direct", as_edited=True)
            told = await hear(player, "timeline")
            assert told["as_edited"]
            assert [one["id"] for one in told["foreseen"] if one["kind"] == "scene"] == [blue, yellow, cyan, finale]
    async with socket(path_of(session)) as player:
        await say(player, type="hello")
        assert (await hear(player, "welcome"))["timeline"]["as_edited"]
    stored = await PlaybackSession.objects.aget(pk=session.session.pk)
    assert stored.as_edited
    with pytest.raises(EditRefused, match="as edited"):
        await database_sync_to_async(change_plan)(session.session.pk, lambda plan: reordered(plan, moved, note=Note(yellow, "stronger")))
    async with socket(path_of(session)) as player:
        await say(player, type="direct", as_edited=False)
        assert not (await hear(player, "timeline"))["as_edited"]
    entries: Any = stream.client().xrange(stream.STREAM)
    events = [decode(fields[stream.FIELD]) for _, fields in entries]
    assert [one.data["on"] for one in events if one.type == "playback.as_edited"] == [True, False]


async def test_a_scene_start_that_a_dead_process_acknowledged_is_decided_by_the_next(session: Opened, champion: None) -> None:
    begun = scene_start(session, 0)
    signals = SessionSignals()
    signals.update("playback.scene_start", datetime.now(UTC).timestamp(), scene=begun["position"]["scene"])
    kept = live.begun(epoch=0, t=0.5, now=datetime.now(UTC))
    kept.acked_seq, kept.signals = 1, signals.encode()
    live.keep(session.session.pk, kept)
    for decided in (True, False):
        async with socket(path_of(session)) as player:
            await say(player, type="hello", last_seq=1)
            assert (await hear(player, "welcome"))["acked_seq"] == 1
            if decided:
                await hear(player, "decision")
            await say(player, type="events", events=[begun])
            await hear(player, "ack")
    assert [one.data["scene"] for one in decisions(session.session.pk)] == [begun["position"]["scene"]]
