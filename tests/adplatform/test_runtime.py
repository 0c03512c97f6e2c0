"""The embedded servers come up in an empty folder, survive a kill, are shared by many and stop with the last."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from adplatform import runtime


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runtime.Places:
    monkeypatch.setenv("INTERMISSION_VAR", str(tmp_path / "var"))
    tmp_path.chmod(0o711)
    return runtime.places()


def answers(here: runtime.Places) -> bool:
    try:
        with psycopg.connect(here.database_url(), connect_timeout=2), redis.Redis.from_url(here.redis_url("eventlog")) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.exceptions.ConnectionError):
        return False


def kill_servers(here: runtime.Places) -> None:
    postmaster = psutil.Process(int((here.postgres_data / "postmaster.pid").read_text().splitlines()[0]))
    eventlog = psutil.Process(int((here.run / "redis-eventlog.pid").read_text()))
    for server in (postmaster, eventlog):
        os.kill(server.pid, signal.SIGKILL)
    psutil.wait_procs([postmaster, eventlog], timeout=10)


def test_servers_start_in_an_empty_folder_survive_a_kill_and_stop_with_their_last_user(own_place: runtime.Places) -> None:
    with runtime.servers():
        assert answers(own_place)
        assert own_place.sockets.stat().st_mode & 0o077 == 0, "PostgreSQL trusts whoever reaches its socket"
        with psycopg.connect(own_place.database_url()) as connection:
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            assert row == (False,)
        assert runtime.dead_servers(own_place) == []
        kill_servers(own_place)
        assert runtime.dead_servers(own_place) == ["PostgreSQL", "Redis (eventlog)"]
        runtime.start_again(own_place)
        assert answers(own_place), "whoever notices a dead server may start it again under its users"
    with runtime.servers():
        assert answers(own_place)
        other = subprocess.run(
            [sys.executable, "-m", "adplatform.runtime", sys.executable, "-c", "print('in')"], check=True, capture_output=True, text=True
        )
        assert other.stdout == "in\n"
        assert answers(own_place), "the second user left; the servers must stay for the first"
    assert not answers(own_place)


def test_a_full_disk_is_refused_with_a_line_that_says_what_to_do(own_place: runtime.Places, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 1, 1))
    with pytest.raises(runtime.RuntimeProblem, match=r"only 0 MB free .* free at least"), runtime.servers():
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INTERMISSION_VAR", str(tmp_path / "file" / "var"))
    with pytest.raises(runtime.RuntimeProblem, match="set INTERMISSION_VAR"), runtime.servers():
        pass


def test_sockets_stay_short_however_deep_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMISSION_VAR", "/" + "deep/" * 60)
    assert len(str(runtime.places().redis_socket("eventlog"))) < 100


def test_a_server_named_by_a_file_is_not_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DATABASE_URL", "REDIS_URL", "EVENTLOG_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(f"{variable}_FILE", "/run/secrets/somewhere")
    assert not runtime.uses_embedded_postgres()
    assert runtime.embedded_redis_names() == []
