"""The whole product on servers of its own, each of which may be killed: the test run's are everybody's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from adplatform import runtime

PROCESSES = {
    "web": ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "{port}", "adplatform.web:application"],
    "consumer": ["manage.py", "consume_events"],
    "publisher": ["manage.py", "publish_live"],
}
START_SECONDS = 300.0


class Stack:
    """PostgreSQL, two Redis, web, consumer and publisher below one folder."""

    def __init__(self, var: Path, port: int) -> None:
        self.port = port
        self.logs = var / "processes"
        self.logs.mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "REDIS_URL"))}
        self.environment = kept | {
            "INTERMISSION_VAR": str(var),
            "INTERMISSION_TESTING": "1",
            "REDIS_DB_BASE": "0",
            "DJANGO_SETTINGS_MODULE": "adplatform.settings",
            "DATABASE_POOL_SIZE": "8",
        }
        self.here = _places(var)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=runtime.ROOT,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def begin(self, name: str) -> None:
        command = [sys.executable, *(word.format(port=self.port) for word in PROCESSES[name])]
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=self.environment, cwd=runtime.ROOT, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill_server(self, name: str) -> None:
        """``postgres``, ``cache`` or ``eventlog``, with no chance to say goodbye."""
        file = self.here.postgres_data / "postmaster.pid" if name == "postgres" else self.here.run / f"redis-{name}.pid"
        server = psutil.Process(int(file.read_text().split()[0]))
        for process in (*server.children(recursive=True), server):
            with _gone():
                process.kill()
        psutil.wait_procs([server], timeout=10)

    def bring_back(self) -> None:
        """What `make run` does, every few seconds, when a private server has died."""
        assert runtime.dead_servers(self.here)
        runtime.start_again(self.here)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            assert time.monotonic() < deadline, f"the stack did not start: {self.tail()}"
            time.sleep(0.3)

    def _ready(self) -> bool:
        try:
            return bool(httpx.get(f"{self.url}/readyz", timeout=5).json()["status"] == "ready")
        except (httpx.HTTPError, ValueError):
            return False

    def sql(self, statement: str) -> Any:
        with psycopg.connect(self.here.database_url()) as connection:
            return connection.execute(statement).fetchone()

    def tail(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(self.logs.glob("*.log")))


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def _places(var: Path) -> runtime.Places:
    before = os.environ.get("INTERMISSION_VAR")
    os.environ["INTERMISSION_VAR"] = str(var)
    try:
        return runtime.places()
    finally:
        os.environ.pop("INTERMISSION_VAR") if before is None else os.environ.update(INTERMISSION_VAR=before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*, ads: int) -> Iterator[tuple[Stack, dict[str, Any]]]:
    """A stack that is ready, and what ``prepare`` made in it."""
    var = Path(tempfile.mkdtemp(prefix="intermission-outages-"))
    var.chmod(0o755)
    stack = Stack(var, _free_port())
    try:
        with runtime._sharing(stack.here):
            stack.command("manage.py", "migrate", "--verbosity", "0")
            made = json.loads(stack.command("-m", "tests.browser.outages.prepare", str(ads)).splitlines()[-1])
            try:
                for name in PROCESSES:
                    stack.begin(name)
                stack.wait_until_ready()
                yield stack, made
            finally:
                for name in list(stack.running):
                    stack.kill(name)
    finally:
        shutil.rmtree(var, ignore_errors=True)
        shutil.rmtree(stack.here.sockets, ignore_errors=True)
