"""An OpenAI-compatible server on loopback that answers as it is told: chat completions, whole or streamed, and embeddings.

``with serving(brain) as server:`` starts it in a thread; ``server.url`` is the base URL, ``server.seen`` what it was sent. A brain is a function
from ``Seen`` to ``Reply``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECES = 40


@dataclass(frozen=True)
class Call:
    """A tool call. ``arguments`` as sent: a text of JSON as it should be, or whatever an endpoint makes of it."""

    name: str
    arguments: Any


@dataclass(frozen=True)
class Reply:
    """``raw`` is sent as it stands; otherwise a completion is made of ``content`` and ``calls``, streamed where that was asked (``stream``
    False: an endpoint that does not stream). ``cut``: the stream ends after so many events, without a last one. ``seconds``: how long
    it takes to begin."""

    content: Any = None
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    content_type: str = "application/json"
    stream: bool = True
    cut: int | None = None
    refusal: str | None = None
    usage: dict[str, int] | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Seen:
    """One request as the server received it: ``raw`` to the byte, ``body`` as JSON."""

    path: str
    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return "\n".join(message["content"] for message in self.body.get("messages", []) if message["role"] == "system")

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON of the user's message."""
        told: dict[str, Any] = json.loads(next(message["content"] for message in self.body["messages"] if message["role"] == "user"))
        return told

    @property
    def phrasing(self) -> bool:
        return "draft" in self.payload


Brain = Callable[[Seen], Reply]


@dataclass
class Server:
    url: str
    brain: Brain
    seen: list[Seen] = field(default_factory=list)


def said(text: str) -> Reply:
    """Words of its own, as phrasing is asked for."""
    return Reply(content=json.dumps({"text": text}))


def vectors(seen: Seen, *, length: int | None = None) -> Reply:
    """One vector a text, made of its hash: the same text gives the same vector."""
    size = length or seen.body.get("dimensions") or 1536
    data = [
        {"object": "embedding", "index": index, "embedding": [(value - 127.5) / 128 for value in hashlib.shake_256(text.encode()).digest(size)]}
        for index, text in enumerate(seen.body["input"])
    ]
    return Reply(raw=json.dumps({"object": "list", "model": "scripted", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}).encode())


def refused(status: int, message: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status=status, headers=headers, raw=json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode())


@contextmanager
def serving(brain: Brain) -> Iterator[Server]:
    server, closing = Server("", brain), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, raw, json.loads(raw))
            server.seen.append(seen)
            reply = server.brain(seen)
            closing.wait(reply.seconds)
            # The client has stopped waiting where a slow script means it to.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._send(reply, streamed=bool(seen.body.get("stream")) and reply.stream)

        def _send(self, reply: Reply, *, streamed: bool) -> None:
            if reply.raw is not None or not streamed:
                payload = reply.raw if reply.raw is not None else json.dumps(_completion(reply)).encode()
                self._head(reply, reply.content_type, len(payload))
                self.wfile.write(payload)
                return
            self._head(reply, "text/event-stream", None)
            for event in list(_events(reply))[: reply.cut]:
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                self.wfile.flush()
            if reply.cut is None:
                self.wfile.write(b"data: [DONE]\n\n")

        def _head(self, reply: Reply, content_type: str, length: int | None) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", content_type)
            if length is not None:
                self.send_header("Content-Length", str(length))
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{listening.server_port}/v1"
        try:
            yield server
        finally:
            closing.set()
            listening.shutdown()
            thread.join()


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(reply.calls)
    ]


def _usage(reply: Reply) -> dict[str, Any]:
    return {"usage": reply.usage} if reply.usage else {}


def _completion(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "finish_reason": reply.finish, "message": message}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice], **_usage(reply)}


def _events(reply: Reply) -> Iterator[dict[str, Any]]:
    """Content and the arguments of calls in pieces, as endpoints stream them."""
    yield _event({"role": "assistant", "content": None if reply.content is None else ""})
    if isinstance(reply.content, str):
        for piece in _pieces(reply.content):
            yield _event({"content": piece})
    elif reply.content is not None:
        yield _event({"content": reply.content})
    if reply.refusal:
        yield _event({"refusal": reply.refusal})
    for call in _calls(reply):
        arguments = call["function"]["arguments"]
        if not isinstance(arguments, str):
            yield _event({"tool_calls": [call]})
            continue
        yield _event({"tool_calls": [{**call, "function": {"name": call["function"]["name"], "arguments": ""}}]})
        for piece in _pieces(arguments):
            yield _event({"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]})
    yield _event({}, finish=reply.finish)
    if reply.usage:
        yield _event({}) | {"choices": [], **_usage(reply)}


def _pieces(text: str) -> list[str]:
    size = max(3, len(text) // PIECES)
    return [text[first : first + size] for first in range(0, len(text), size)]


def _event(delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [choice]}
