"""``make run``: servers up, demo prepared, then every process of the Procfile until Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from adplatform import runtime, supervisor

HOST = "127.0.0.1"
READY_SECONDS = 240.0
WATCH_SECONDS = 3.0
# The others import as much as the web process does; on two cores they would slow down what people wait for.
WEB_HEAD_START_SECONDS = 4.0
# On one's own machine the site is tried with these; elsewhere they are robots, and their ad events do not count.
TRIED_WITH = "HeadlessChrome,curl,Wget,python-httpx,python-requests,Python-urllib,aiohttp"
RENDERING = ["manage.py", "build_media", "--only-missing", "--workers", "1"]


class LaunchProblem(RuntimeError):
    """The site cannot start; the message is one line that says what to do."""


def main() -> int:
    began = time.monotonic()
    here = runtime.places()
    try:
        port = _port()
        with _only_one(here):
            ended = supervisor.end_leftovers(here.run / "processes.json")
            if ended:
                say(f"ended {ended} processes that an earlier run left behind")
            _refuse_taken_port(port)
            environment = {**os.environ, "PORT": str(port), "INTERMISSION_VAR": str(here.var), "PYTHONUNBUFFERED": "1"}
            environment.setdefault("COUNTED_USER_AGENTS", TRIED_WITH)
            environment.setdefault("DIRECTOR_PANEL", "True")
            environment.setdefault("INTERMISSION_DEMO", "true")
            environment.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_fresh_folder(here.run / "metrics")))
            say("starting PostgreSQL and Redis")
            with runtime.servers():
                subprocess.run([sys.executable, "manage.py", "prepare_demo"], check=True, env=environment, cwd=runtime.ROOT)
                _serve(here, port, environment, began)
    except (runtime.RuntimeProblem, LaunchProblem) as problem:
        say(str(problem))
        return 1
    except subprocess.CalledProcessError as failure:
        say(f"preparing the demo failed (code {failure.returncode}); the lines above say why. Run `make run` again to go on where it stopped.")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def say(line: str) -> None:
    sys.stdout.write(f"intermission: {line}\n")
    sys.stdout.flush()


def _fresh_folder(folder: Path) -> Path:
    """Empty: counters of the last run would be added to those of this one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise LaunchProblem(f"PORT={text} is no port; choose a number from 1 to 65535")
    return int(text)


@contextlib.contextmanager
def _only_one(here: runtime.Places) -> Iterator[None]:
    try:
        here.run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchProblem(f"cannot write to {here.run}: {error.strerror}; set INTERMISSION_VAR to a folder you own") from error
    with (here.run / "launch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchProblem("already running from this folder; use that one, or stop it first (Ctrl-C where it was started)") from None
        yield


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LaunchProblem(
                f"port {port} cannot be used ({error.strerror}); stop what uses it or choose another: make run PORT={port + 1}"
            ) from error


def _serve(here: runtime.Places, port: int, environment: dict[str, str], began: float) -> None:
    commands = supervisor.parse_procfile((runtime.ROOT / "Procfile").read_text(), environment)
    running = supervisor.Supervisor(commands, here.run / "processes.json", environment, head_start_seconds=WEB_HEAD_START_SECONDS)
    done = threading.Event()
    helpers = [
        threading.Thread(target=_beside, args=(done, "greet", ["-m", "adplatform.launch", "--greet", str(port), str(began)], environment, None)),
        # The rest of the catalogue renders behind the running site.
        threading.Thread(target=_beside, args=(done, "build_media", RENDERING, environment, here.logs / "build_media.log")),
        threading.Thread(target=_keep_servers_up, args=(done, here)),
    ]
    try:
        for helper in helpers:
            helper.start()
        running.run()
    finally:
        say("stopping")
        done.set()
        for helper in filter(threading.Thread.is_alive, helpers):
            helper.join()


def _beside(done: threading.Event, name: str, arguments: list[str], environment: dict[str, str], log: Path | None) -> None:
    """Run one program beside the site until it ends or the site stops; with it go the programs it started."""
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("w")) if log else None
        program = subprocess.Popen(
            [sys.executable, *arguments], env=environment, cwd=runtime.ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        while program.poll() is None and not done.wait(0.2):
            continue
        if program.poll() is None:
            supervisor.signal_group(program.pid, signal.SIGTERM)
        elif program.returncode and log:
            say(f"{name} ended with code {program.returncode}; see {log}")
        program.wait()


def _keep_servers_up(done: threading.Event, here: runtime.Places) -> None:
    """A private server that died is started again, and said so once; nobody else would."""
    said = ""
    while not done.wait(WATCH_SECONDS):
        dead = " and ".join(runtime.dead_servers(here))
        if not dead:
            said = ""
            continue
        if dead != said:
            say(f"{dead} ended; starting again. What was accepted is kept; see {here.logs}")
            said = dead
        try:
            runtime.start_again(here)
        except runtime.RuntimeProblem as problem:
            say(str(problem))


def greet(port: int, began: float) -> int:
    """Wait until the site answers, then print where to go and who may sign in."""
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(port):
        if time.monotonic() > deadline:
            say(f"the site did not answer on port {port} within {READY_SECONDS:.0f} s; the lines of 'web' above say why")
            return 1
        time.sleep(0.2)
    base = f"http://{HOST}:{port}"
    logins = json.loads((runtime.places().var / "demo-logins.json").read_text())
    rows = [("Watch", "/"), ("Ad operations", "/admin/"), ("Live figures", "/live/"), ("Ask", "/insights/")]
    lines = ["", f"Intermission is up after {time.monotonic() - began:.0f} s.", "", *[f"  {name:<14} {base}{path}" for name, path in rows], ""]
    lines += [f"  {login['role']:<14} {login['username']:<10} {login['password']}" for login in logins]
    lines += ["", "  The audience and a week of its history are synthetic, and labelled so. Ctrl-C stops everything.", ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return 0


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    if sys.argv[1:2] == ["--greet"]:
        sys.exit(greet(int(sys.argv[2]), float(sys.argv[3])))
    sys.exit(main())
