"""Large request bodies stay on disk on their way through the web server.

Daphne keeps what it receives in a temporary file, then puts all of it at once into the queue that the application reads from: an upload
of 512 MB would lie in memory. Here the application is handed that file instead, and reads it piece by piece. A body larger than any upload
may be is not even written: it is counted, thrown away, and answered with 413.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import IO, Any

from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.http_protocol import WebRequest
from daphne.server import Server
from django.conf import settings

from adplatform import problems

SPOOLED_BYTES = 1024 * 1024
PIECE = 256 * 1024
# Beside the file: a form's other fields.
ROOM = 16 * 1024 * 1024
FILE, TOO_LARGE = "intermission.body", "intermission.too_large"

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class SpooledRequest(WebRequest):  # type: ignore[misc]
    """Hands a large body on as the file it is in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Twisted would read a form whole, copy it field by field, and keep what nobody asks for: Django reads forms itself.
        self._parsePOSTFormSubmission = False

    def handleContentChunk(self, data: bytes) -> None:
        self.received = getattr(self, "received", 0) + len(data)
        if self.received <= settings.CREATIVE_MOST_BYTES + ROOM:
            super().handleContentChunk(data)

    def process(self) -> Any:
        self.spooled: IO[bytes] | None = None
        if getattr(self, "received", 0) > SPOOLED_BYTES:
            self.spooled, self.content = self.content, io.BytesIO()  # type: ignore[has-type]
        return super().process()


class SpoolingServer(Server):  # type: ignore[misc]
    """Tells the application where a request's body is."""

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        scope["headers"] = _with_length(scope.get("headers", []), getattr(protocol, "received", 0))
        if getattr(protocol, "spooled", None) is not None:
            too_large = protocol.received > settings.CREATIVE_MOST_BYTES + ROOM
            scope |= {TOO_LARGE: True} if too_large else {FILE: protocol.spooled}
        return super().create_application(protocol, scope)


def _with_length(headers: list[tuple[bytes, bytes]], received: int) -> list[tuple[bytes, bytes]]:
    """A body that came in chunks is whole by now: without a length Django would take it for none."""
    if not any(name == b"transfer-encoding" for name, _ in headers):
        return headers
    return [
        *((name, value) for name, value in headers if name not in (b"transfer-encoding", b"content-length")),
        (b"content-length", b"%d" % received),
    ]


def install() -> None:
    """Before the server is made: daphne's command line takes both from here."""
    http_protocol.WebRequest = SpooledRequest
    CommandLineInterface.server_class = SpoolingServer


def read_from_disk(application: Any) -> Application:
    """The application, fed from the file where there is one."""

    async def fed(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope.pop(TOO_LARGE, False):
            await _refuse(scope, send)
            return
        file: IO[bytes] | None = scope.pop(FILE, None)
        if file is None:
            await application(scope, receive, send)
            return
        with file:
            await application(scope, _Pieces(file, receive), send)

    return fed


class _Pieces:
    """An ASGI ``receive`` that reads the body from a file, and then waits for the client to go."""

    def __init__(self, file: IO[bytes], receive: Any) -> None:
        self.file, self.receive, self.over = file, receive, False
        file.seek(0)

    async def __call__(self) -> dict[str, Any]:
        if self.over:
            message: dict[str, Any] = await self.receive()
            # The empty body that the server was left with.
            return message if message["type"] != "http.request" else await self.receive()
        piece = await asyncio.to_thread(self.file.read, PIECE)
        self.over = len(piece) < PIECE
        return {"type": "http.request", "body": piece, "more_body": not self.over}


async def _refuse(scope: dict[str, Any], send: Any) -> None:
    """In the API's own form below /api/, in a sentence elsewhere."""
    most = f"{settings.CREATIVE_MOST_BYTES / 1024 / 1024:,.0f} MB"
    detail = f"The request is larger than anything that is taken here; a file has at most {most}."
    path = str(scope.get("path", ""))
    if path.startswith("/api/"):
        kind, body = problems.MEDIA_TYPE, json.dumps(problems.problem("too-large", detail, instance=path)).encode()
    else:
        kind, body = "text/plain; charset=utf-8", detail.encode()
    await send(
        {"type": "http.response.start", "status": 413, "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})
