"""Runs the processes of the Procfile: prefixed output, restart of what dies, and a stop that leaves nobody behind."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import signal
import string
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STOP_SECONDS = 10.0
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 20.0


def parse_procfile(text: str, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """``name: command`` lines, with ``${VARIABLE}`` filled in; ``python`` is the running interpreter, and a command may
    begin with ``VARIABLE=value`` of its own.

    Raises ValueError naming the line that is no process or the variable that is not set.
    """
    processes: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not command.strip():
            raise ValueError(f"Procfile line {number} is not 'name: command': {line!r}")
        try:
            words = [string.Template(word).substitute(environment) for word in shlex.split(command)]
        except KeyError as missing:
            raise ValueError(f"Procfile line {number} needs the environment variable {missing}") from missing
        processes[name.strip()] = _runnable(words)
    return processes


def _runnable(words: list[str]) -> list[str]:
    own = list(itertools.takewhile(lambda word: re.fullmatch(r"[A-Z_]+=.*", word), words))
    program, *arguments = words[len(own) :]
    command = [sys.executable if program == "python" else program, *arguments]
    return ["env", *own, *command] if own else command


@dataclass
class Child:
    name: str
    command: list[str]
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = 0


@dataclass
class Supervisor:
    """One supervisor of one Procfile. ``pid_file`` remembers the children, so that the next run can end what a killed one left;
    the first process gets a head start, since it is the one that people wait for."""

    commands: dict[str, list[str]]
    pid_file: Path
    environment: Mapping[str, str]
    stop_seconds: float = STOP_SECONDS
    head_start_seconds: float = 0.0
    children: list[Child] = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        later = time.monotonic() + self.head_start_seconds
        self.children = [Child(name, command, restart_at=later if number else 0.0) for number, (name, command) in enumerate(self.commands.items())]

    def run(self) -> None:
        """Start everything and return after ``stop`` (or SIGINT, SIGTERM), with every child ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stopping.set())
        try:
            while not self.stopping.is_set():
                self._start_due()
                self._notice_ended()
                self.stopping.wait(0.2)
        finally:
            self._end_all()

    def _start_due(self) -> None:
        for child in self.children:
            if child.process is None and time.monotonic() >= child.restart_at:
                self._start(child)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops them in order.
        )
        child.started_at = time.monotonic()
        threading.Thread(target=self._relay, args=(child.name, child.process), daemon=True).start()
        self._remember()

    def _relay(self, name: str, process: subprocess.Popen[str]) -> None:
        width = max(map(len, self.commands))
        for line in process.stdout or ():
            sys.stdout.write(f"{name:<{width}} | {line.rstrip()}\n")
            sys.stdout.flush()

    def _notice_ended(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            steady = time.monotonic() - child.started_at > STEADY_SECONDS
            child.failures = 1 if steady else child.failures + 1
            pause = min(LONGEST_PAUSE, 2.0 ** (child.failures - 1))
            sys.stdout.write(f"intermission: {child.name} ended with code {child.process.returncode}; starting it again in {pause:.0f} s\n")
            child.process, child.restart_at = None, time.monotonic() + pause
            self._remember()

    def _end_all(self) -> None:
        running = [child.process for child in reversed(self.children) if child.process is not None]
        for process in running:
            signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                signal_group(process.pid, signal.SIGKILL)
                process.wait()
        self.pid_file.unlink(missing_ok=True)

    def _remember(self) -> None:
        alive = [child.process.pid for child in self.children if child.process is not None]
        records = []
        for pid in alive:
            try:
                records.append({"pid": pid, "created": psutil.Process(pid).create_time()})
            except psutil.NoSuchProcess:
                continue
        draft = self.pid_file.with_suffix(".draft")
        draft.write_text(json.dumps(records))
        draft.replace(self.pid_file)


def end_leftovers(pid_file: Path) -> int:
    """End the children of a supervisor that was killed; returns how many were still there.

    A pid alone proves nothing after a reboot, so the process must also have been created when we created ours.
    """
    if not pid_file.exists():
        return 0
    found = []
    for record in json.loads(pid_file.read_text() or "[]"):
        try:
            process = psutil.Process(record["pid"])
            if abs(process.create_time() - record["created"]) < 0.01:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    for process in found:
        signal_group(process.pid, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(found, timeout=STOP_SECONDS)
    for process in stubborn:
        signal_group(process.pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)
    return len(found)


def signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
