"""A web process is killed in mid film: the player goes on with the next one, and the log of decisions has neither a gap nor a double."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from adplatform import runtime
from adplatform.eventlog.consumer import drain
from engagement.models import DirectorDecision, PlaybackEvent
from engagement.playback import live
from engagement.playback.sessions import Opened
from engagement.playback.timeline import timeline
from tests.engagement.playback.test_socket import event, path_of

pytestmark = pytest.mark.django_db(transaction=True)
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A web process on this test's database and Redis; killed at the end, if it still runs."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    own = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url, "INSIGHTS_DATABASE_URL": url}
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "adplatform.asgi:application"]
    process = subprocess.Popen(command, cwd=runtime.ROOT, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def player(port: int, session: Opened) -> AbstractContextManager[ClientConnection]:
    """Waits until the process listens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    return connect(f"ws://127.0.0.1:{port}{path_of(session)}", origin=Origin(f"http://127.0.0.1:{port}"), open_timeout=30)


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=20))
        if message["type"] == kind:
            return message


def test_a_web_process_killed_in_mid_film_leaves_no_gap_and_no_double(session: Opened, champion: None) -> None:
    opener, second = session.state.plan.published[:2]
    first_port, next_port = free_port(), free_port()
    with web(first_port) as doomed, web(next_port), player(first_port, session) as before:
        say(before, type="hello", last_seq=0)
        hear(before, "welcome")
        say(before, type="events", events=[event(1, "playback.scene_start", t=0.0, position={"scene": opener.scene, "offset": 0})])
        first = hear(before, "decision")
        say(before, type="events", events=[event(2, t=second.t0 - 0.5)])
        begun = event(3, "playback.scene_start", t=second.t0, position={"scene": second.scene, "offset": 0})
        pause = event(4, "playback.pause", t=second.t0 + 0.5)
        say(before, type="events", events=[begun, pause])
        while hear(before, "ack")["seq"] < 4:
            pass
        doomed.kill()  # whether or not it had decided the scene that it acknowledged
        doomed.wait()

        with player(next_port, session) as after:
            say(after, type="hello", last_seq=5)
            welcome = hear(after, "welcome")
            assert welcome["acked_seq"] == 4
            items = welcome["timeline"]["items"]
            assert items[: len(session.state.plan.published)] == timeline(session.state.plan, version=0, now=session.session.started_at)["items"]
            while len(items) < 3:  # the process may have died before it published for the scene that had begun
                items = hear(after, "timeline")["items"]
            say(after, type="events", events=[begun, pause, event(5, "playback.play", t=second.t0 + 0.5)])
            assert hear(after, "ack")["seq"] == 5
            third = items[2]
            say(after, type="events", events=[event(6, "playback.scene_start", t=third["t0"], position={"scene": third["id"], "offset": 0})])
            hear(after, "decision")
    kept = live.read(session.session.pk)
    assert kept is not None
    assert kept.t == pytest.approx(third["t0"])
    assert kept.acked_seq == 6
    drain()
    decided = DirectorDecision.objects.filter(session=session.session.pk).order_by("decided_at")
    assert Counter(one.scene for one in decided) == {opener.scene: 1, second.scene: 1, third["id"]: 1}
    assert decided[0].reason == first["reason"]
    events = PlaybackEvent.objects.filter(session=session.session.pk, seq__gt=0)
    assert sorted(events.values_list("seq", flat=True)) == [1, 2, 3, 4, 5, 6]
