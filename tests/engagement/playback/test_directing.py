"""The Director on a live socket: what a boundary brings, to whom, and what never changes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from adplatform.eventlog import stream
from adplatform.eventlog.envelope import Event, decode
from engagement.playback.sessions import Opened
from engagement.playback.timeline import timeline
from tests.engagement.playback.test_socket import event, hear, path_of, say, socket

pytestmark = pytest.mark.django_db(transaction=True)


def decisions(session: uuid.UUID) -> list[Event]:
    entries: Any = stream.client().xrange(stream.STREAM)
    events = [decode(fields[stream.FIELD]) for _, fields in entries]
    return [one for one in events if one.type == "director.decision" and one.session == session]


def scene_start(session: Opened, place: int, *, seq: int = 1) -> dict[str, Any]:
    item = session.state.plan.published[place]
    return event(seq, "playback.scene_start", t=item.t0, position={"scene": item.scene, "offset": 0})


async def test_a_viewer_losing_interest_gets_a_stronger_scene_beyond_the_horizon(session: Opened, champion: None) -> None:
    opener, green, blue, yellow, cyan, finale = (scene.id for scene in session.state.plan.film)
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        engagement = await hear(player, "engagement")
        decision = await hear(player, "decision")
        after = await hear(player, "timeline")
    assert (engagement["value"], engagement["low"], engagement["model_version"]) == (pytest.approx(0.4), pytest.approx(0.3), 1)
    assert (decision["action"], decision["scene"]) == ("bring_forward", yellow)
    assert "Yellow" in decision["reason"]
    assert decision["ms"] > 0
    before = timeline(session.state.plan, version=0, now=session.session.started_at)["items"]
    assert after["items"] == before
    foreseen = [part["id"] for part in after["foreseen"] if part["kind"] == "scene"]
    assert [part["id"] for part in after["items"] if part["kind"] == "scene"] + foreseen == [opener, green, yellow, blue, cyan, finale]
    (logged,) = decisions(session.session.pk)
    assert logged.data["applied"]
    assert [one["action"] for one in logged.data["alternatives"]] == ["keep", "bring_forward", "bring_forward"]
    assert logged.data["features"]["intensity"] == pytest.approx(0.4)


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


async def test_the_control_group_sees_the_authors_order_on_the_same_path(in_control: Opened, champion: None) -> None:
    async with socket(path_of(in_control)) as player:
        await say(player, type="events", events=[scene_start(in_control, 0)])
        decision = await hear(player, "decision")
    assert decision["action"] == "keep"
    assert "control" in decision["reason"]
    assert not decisions(in_control.session.pk)[0].data["applied"]


async def test_without_a_model_the_film_plays_as_edited_and_says_why(session: Opened) -> None:
    async with socket(path_of(session)) as player:
        await say(player, type="events", events=[scene_start(session, 0)])
        assert "No engagement model" in (await hear(player, "decision"))["reason"]


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
