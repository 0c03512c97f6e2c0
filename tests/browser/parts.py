"""What the browser tests share: the site as they see it, what a clean page never does, and patience."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Request

from tests.media import Films


@dataclass(frozen=True)
class Site:
    """Where the site listens, and what is in its catalogue. Rows may be read at any time. ``web`` is the process that answers at
    ``door``; others may answer there beside it."""

    url: str
    films: Films
    door: socket.socket
    web: subprocess.Popen[bytes]


@dataclass
class Complaints:
    """Everything a clean page never does: console errors and warnings, failed requests, uncaught exceptions."""

    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Requests cut off by leaving the page or by a seek are no fault.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"failed: {request.url} {request.failure}")


def eventually(ask: Callable[[], Any], expected: Any, *, within: float = 15.0) -> None:
    """Wait for what another process will have done soon."""
    deadline = time.monotonic() + within
    while (found := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == expected, f"{found!r} is not {expected!r}"
