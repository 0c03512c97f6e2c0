"""The Director on a live socket: what a boundary brings, to whom, and what never changes."""

from __future__ import annotations

import json
import signal
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from channels.db import database_sync_to_async

from adplatform.eventlog import consumer, stream
from adplatform.eventlog.envelope import Event, decode
from adplatform.eventlog.partitions import days_around, ensure_partitions
from engagement.consumers import in_thread
from engagement.director.act import rules
from engagement.director.deciding import unpacked
from engagement.director.exploration import draw, drawn
from engagement.director.options import Option, options
from engagement.playback.publishing import load
from engagement.playback.sessions import Opened
from engagement.playback.timeline import timeline
from tests.engagement.director import killed
from tests.engagement.playback.conftest import Open
from tests.engagement.playback.test_socket import event, hear, path_of, say, socket

pytestmark = pytest.mark.django_db(transaction=True)


def decisions(session: uuid.UUID) -> list[Event]:
    entries: Any = stream.client().xrange(stream.STREAM)
    events = [decode(fields[stream.FIELD]) for _, fields in entries]
    return [one for one in events if one.type == "director.decision" and one.session == session]


def scene_start(session: Opened, place: int, *, seq: int = 1) -> dict[str, Any]:
    item = session.state.plan.published[place]
    return event(seq, "playback.scene_start", t=item.t0, position={"scene": item.scene, "offset": 0})


Drawn = tuple[Opened, Option]


@pytest.fixture
def explored(opened: Open, settings: Any) -> Drawn:
    """A session at whose first boundary chance draws that a scene is brought forward, and which."""
    settings.DIRECTOR_EXPLORATION = 0.1
    made = (_drawn(opened(tab=f"tab {n}")) for n in range(400))
    return next((session, option) for session, option in made if option.action == "bring_forward")


def _drawn(session: Opened) -> Drawn:
    plan, salt = session.state.plan, rules().salt
    given = options(plan, break_seconds=20)
    return session, given[drawn(draw(salt, session.session.pk, plan.epoch, plan.played[0], "scene_start"), len(given), 0, 0.1)[0]]


async def test_a_change_plays_beyond_the_horizon_and_is_logged_with_all_it_was_made_from(explored: Drawn, champion: None) -> None:
    session, option = explored
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        engagement = await hear(player, "engagement")
        decision = await hear(player, "decision")
        after = await hear(player, "timeline")
    assert (engagement["value"], engagement["low"], engagement["model_version"]) == (pytest.approx(0.4), pytest.approx(0.3), 1)
    assert (decision["action"], decision["scene"], decision["explored"]) == ("bring_forward", option.scene, True)
    assert "Drawn by chance" in decision["reason"]
    assert decision["ms"] > 0
    before = timeline(session.state.plan, version=0, now=session.session.started_at)["items"]
    assert after["items"] == before
    foreseen = [part["id"] for part in after["foreseen"] if part["kind"] == "scene"]
    assert foreseen == [option.scene, *(one for one in session.state.plan.remaining if one != option.scene)]
    (logged,) = decisions(session.session.pk)
    assert (logged.data["applied"], logged.data["following"], logged.data["place"]) == (True, option.scene, len(before) + 1)
    assert logged.data["alternatives"][0]["action"] == "keep"
    assert sum(one["propensity"] for one in logged.data["alternatives"]) == pytest.approx(1)
    assert logged.data["features"]["intensity"] == pytest.approx(0.4)
    assert unpacked((await in_thread(load, session.session.pk)).plan.decision) == logged


async def test_a_process_killed_between_the_plan_and_the_log_leaves_no_gap_and_no_double(explored: Drawn) -> None:
    session, option = explored
    at = session.session.started_at
    assert await in_thread(killed.run, session.session.pk, at) == -signal.SIGKILL
    plan = (await in_thread(load, session.session.pk)).plan
    assert plan.changes == 1 and not decisions(session.session.pk)
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        again = await hear(player, "decision")
    assert (again["action"], again["scene"], again["explored"]) == ("bring_forward", option.scene, True)
    assert {one.id for one in decisions(session.session.pk)} == {uuid.UUID(again["id"])}
    assert unpacked(plan.decision) == decisions(session.session.pk)[0]
    assert (await in_thread(load, session.session.pk)).plan.changes == 1


async def test_a_boundary_is_decided_once_however_often_it_is_reported(session: Opened, champion: None) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        await hear(player, "decision")
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0, seq=2)])
        await hear(player, "ack")
        await say(player, type="events", events=[scene_start(session, 1, seq=3)])
        assert (await hear(player, "decision"))["action"] == "keep"
    assert [one.data["scene"] for one in decisions(session.session.pk)] == [item.scene for item in session.state.plan.published[:2]]


async def test_a_scene_whose_start_came_another_way_is_decided_at_whatever_is_told_of_it(session: Opened, champion: None) -> None:
    item = session.state.plan.published[1]
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        await hear(player, "decision")
        beat = event(2, "playback.heartbeat", t=item.t0 + 1, position={"scene": item.scene, "offset": 1})
        await say(player, type="events", events=[beat])
        await hear(player, "decision")
        await say(player, type="events", events=[scene_start(session, 1, seq=3)])
        await hear(player, "ack")
    assert [one.data["scene"] for one in decisions(session.session.pk)] == [item.scene for item in session.state.plan.published[:2]]


async def test_a_page_loaded_again_hears_the_decisions_of_its_session(session: Opened, champion: None) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="hello")
        assert (await hear(player, "welcome"))["decisions"] == []
        await say(player, type="events", events=[scene_start(session, 0)])
        decision = await hear(player, "decision")
    await database_sync_to_async(ensure_partitions)(days_around(datetime.now(UTC).date()))
    await database_sync_to_async(consumer.drain)()
    async with socket(path_of(session)) as player:
        await say(player, type="hello")
        (again,) = (await hear(player, "welcome"))["decisions"]
    assert {name: again[name] for name in ("id", "action", "reason", "scene")} == {
        name: decision[name] for name in ("id", "action", "reason", "scene")
    }
    assert datetime.fromisoformat(again["at"]) == datetime.fromisoformat(decision["at"])


async def test_scenes_that_began_while_nothing_could_be_sent_are_each_decided(session: Opened, champion: None) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0), scene_start(session, 1, seq=2)])
        await hear(player, "decision")
        await hear(player, "decision")
    assert [one.data["scene"] for one in decisions(session.session.pk)] == [item.scene for item in session.state.plan.published[:2]]


async def test_the_control_group_sees_the_authors_order_on_the_same_path(in_control: Opened, champion: None) -> None:
    async with socket(path_of(in_control)) as player:
        await say(player, type="events", events=[scene_start(in_control, 0)])
        decision = await hear(player, "decision")
    assert decision["action"] == "keep"
    assert "control" in decision["reason"]
    (logged,) = decisions(in_control.session.pk)
    assert (logged.data["applied"], logged.data["arm"], logged.data["propensity"]) == (False, "control", 1.0)


async def test_without_a_model_the_film_plays_as_edited_and_says_why(session: Opened) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        assert "No model" in (await hear(player, "decision"))["reason"]


async def test_engagement_is_told_at_most_once_a_second(session: Opened, champion: None) -> None:
    async with socket(path_of(session)) as player:
        for seq in range(1, 9):
            await say(player, type="events", events=[event(seq, t=seq / 10, position={"scene": session.state.plan.film[0].id, "offset": seq / 10})])
        first = scene_start(session, 0, seq=10)
        await say(player, type="events", events=[first])
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["type"] != "decision":
            heard.append(await hear_any(player))
    assert len([message for message in heard if message["type"] == "engagement"]) <= 1


async def hear_any(player: Any) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await player.receive_from(timeout=10))
    return message
