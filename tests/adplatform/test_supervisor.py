"""The supervisor starts what the Procfile names, restarts what dies, and leaves nobody behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from adplatform import supervisor

SLEEPER = "import signal, time; print('up', flush=True); time.sleep(60)"
RUN = """
import os, sys
from pathlib import Path
from adplatform import supervisor
commands = {"one": [sys.executable, "-c", sys.argv[2]], "two": [sys.executable, "-c", sys.argv[2]]}
supervisor.Supervisor(commands, Path(sys.argv[1]), os.environ, stop_seconds=1.0).run()
"""


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def recorded(pid_file: Path) -> list[int]:
    return [record["pid"] for record in json.loads(pid_file.read_text())] if pid_file.exists() else []


def start(pid_file: Path, program: str = SLEEPER) -> subprocess.Popen[str]:
    running = subprocess.Popen([sys.executable, "-c", RUN, str(pid_file), program], stdout=subprocess.DEVNULL, text=True)
    wait_for(lambda: len(recorded(pid_file)) == 2)
    return running


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_procfile_line_becomes_a_command_with_its_variables_filled_in() -> None:
    commands = supervisor.parse_procfile("# comment\nweb: python -m daphne -p ${PORT}\n\n", {"PORT": "8001"})
    assert commands == {"web": [sys.executable, "-m", "daphne", "-p", "8001"]}


def test_a_process_may_have_variables_of_its_own() -> None:
    commands = supervisor.parse_procfile("web: POOL=16 python -m daphne", {})
    assert commands == {"web": ["env", "POOL=16", sys.executable, "-m", "daphne"]}


@pytest.mark.parametrize(("text", "words"), [("web python", "not 'name: command'"), ("web: run ${NOBODY}", "NOBODY")])
def test_a_wrong_procfile_line_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        supervisor.parse_procfile(text, {})


def test_ctrl_c_ends_every_child_and_forgets_them(tmp_path: Path) -> None:
    pid_file = tmp_path / "processes.json"
    running = start(pid_file)
    children = recorded(pid_file)
    running.send_signal(signal.SIGINT)
    assert running.wait(15) == 0
    assert not any(alive(pid) for pid in children)
    assert not pid_file.exists()


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    pid_file = tmp_path / "processes.json"
    running = start(pid_file)
    first = recorded(pid_file)
    os.kill(first[0], signal.SIGKILL)
    wait_for(lambda: len(recorded(pid_file)) == 2 and recorded(pid_file) != first)
    running.terminate()
    running.wait(15)


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "processes.json"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    running = start(pid_file, stubborn)
    time.sleep(1)
    children = recorded(pid_file)
    running.terminate()
    assert running.wait(15) == 0
    assert not any(alive(pid) for pid in children)


def test_what_a_killed_run_left_behind_is_ended_by_the_next_one(tmp_path: Path) -> None:
    pid_file = tmp_path / "processes.json"
    running = start(pid_file)
    children = recorded(pid_file)
    running.kill()
    running.wait()
    assert all(alive(pid) for pid in children)
    assert supervisor.end_leftovers(pid_file) == 2
    assert not any(alive(pid) for pid in children)


def test_a_stranger_with_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "processes.json"
    pid_file.write_text(json.dumps([{"pid": os.getpid(), "created": 1.0}]))
    assert supervisor.end_leftovers(pid_file) == 0
