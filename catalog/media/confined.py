"""Runs ffmpeg over what strangers sent: in a child with limits on processor time, memory, file size and open files, without environment,
without shell, and with a bound on what it may say.

The limits are set by a small interpreter that then becomes ffmpeg: threads of the caller, which a fork would copy, play no part.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MEGABYTE = 1024 * 1024
MOST_SAID = 128 * 1024
TICK_SECONDS = 0.5

_BECOME = """
import json, os, resource, sys
limits = json.loads(sys.argv[1])
for name, value in limits.items():
    resource.setrlimit(getattr(resource, name), (value, value))
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Limits:
    """``cpu_seconds`` and ``wall_seconds`` end the child; ``memory`` (address space) and ``output`` (each file it writes) are bytes."""

    cpu_seconds: int = 600
    wall_seconds: float = 900.0
    memory: int = 3072 * MEGABYTE
    output: int = 256 * MEGABYTE

    def as_resources(self) -> dict[str, int]:
        return {
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_AS": self.memory,
            "RLIMIT_FSIZE": self.output,
            "RLIMIT_NOFILE": 64,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True)
class Ended:
    """How it ended: ``code`` as subprocess has it, the lines it said (cut at `MOST_SAID` bytes), whether time or memory ran out."""

    code: int
    said: str
    out_of_time: bool
    seconds_done: float

    @property
    def out_of_memory(self) -> bool:
        return self.code != 0 and "Cannot allocate memory" in self.said


Told = Callable[[float], None]


def nobody(_: float) -> None:
    """For those who ask for no progress."""


def run(command: Sequence[str], *, folder: Path, limits: Limits, told: Told = nobody) -> Ended:
    """Run ffmpeg, which must have been asked for ``-progress pipe:1``, in ``folder``. ``told`` hears about twice a second how many seconds
    of media are done, and may raise to end it: whatever it raises ends the child first."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BECOME, json.dumps(limits.as_resources()), *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env={"LC_ALL": "C"}, start_new_session=True,
    ) as child:  # fmt: skip
        try:
            return _listen(child, limits, told)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


class _Heard:
    """What came through both pipes so far: progress keeps its last figure only, words keep their beginning and their end."""

    def __init__(self) -> None:
        self.first, self.last, self.rest, self.seconds = b"", b"", b"", 0.0

    def words(self, data: bytes) -> None:
        room = MOST_SAID // 2 - len(self.first)
        self.first += data[: max(0, room)]
        self.last = (self.last + data[max(0, room) :])[-MOST_SAID // 2 :]

    def figures(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data)[-8192:].split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and value.isdigit():
                self.seconds = int(value) / 1_000_000


def _listen(child: subprocess.Popen[bytes], limits: Limits, told: Told) -> Ended:
    heard, deadline, out_of_time, next_tick = _Heard(), time.monotonic() + limits.wall_seconds, False, 0.0
    with selectors.DefaultSelector() as pipes:
        for pipe, take in ((child.stdout, heard.figures), (child.stderr, heard.words)):
            if pipe is not None:
                pipes.register(pipe, selectors.EVENT_READ, take)
        while pipes.get_map():
            for key, _ in pipes.select(TICK_SECONDS):
                data = _read(key.fileobj)
                if data:
                    key.data(data)
                else:
                    pipes.unregister(key.fileobj)
            now = time.monotonic()
            if now > deadline and not out_of_time:
                out_of_time = True
                os.killpg(child.pid, signal.SIGKILL)
            if now >= next_tick:
                told(heard.seconds)
                next_tick = now + TICK_SECONDS
    code = child.wait()
    out_of_time = out_of_time or code in (-signal.SIGXCPU, -signal.SIGKILL)
    return Ended(code, (heard.first + heard.last).decode("utf-8", "replace"), out_of_time, heard.seconds)


def _read(pipe: int | IO[bytes] | object) -> bytes:
    return os.read(pipe if isinstance(pipe, int) else pipe.fileno(), 65536)  # type: ignore[attr-defined]
