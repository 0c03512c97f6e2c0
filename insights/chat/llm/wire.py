"""A completion off the wire: streamed events or one JSON body, with an end to how long and how much is read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .client import Failed

MOST_BYTES = 400_000
MOST_CONTENT = 20_000


class Unusable(Failed):
    """The endpoint works, but what the model said cannot be used: it refused, or ran out of its limit."""


@dataclass(frozen=True)
class Reply:
    """``calls`` are (tool, arguments as sent). ``tokens``: what the endpoint says it used, or None."""

    content: str
    calls: tuple[tuple[str, Any], ...] = ()
    tokens: int | None = None


@dataclass
class _Whole:
    """A message as its pieces come in."""

    content: list[str] = field(default_factory=list)
    refusal: bool = False
    names: dict[int, str] = field(default_factory=dict)
    arguments: dict[int, list[Any]] = field(default_factory=dict)
    finish: str | None = None
    tokens: int | None = None

    def add(self, event: Any, part: str) -> None:
        if not isinstance(event, dict):
            raise Failed("the endpoint's answer cannot be read")
        if event.get("error"):
            raise Failed("the endpoint stopped with an error of its own")
        usage = event.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("total_tokens"), int):
            self.tokens = usage["total_tokens"]
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return
        told = choices[0].get(part)
        self.finish = choices[0].get("finish_reason") or self.finish
        if isinstance(told, dict):
            self._message(told)

    def _message(self, told: dict[str, Any]) -> None:
        content = told.get("content")
        if isinstance(content, list):  # parts, as some endpoints give them
            content = "".join(piece["text"] for piece in content if isinstance(piece, dict) and isinstance(piece.get("text"), str))
        if isinstance(content, str):
            self.content.append(content)
        self.refusal = self.refusal or bool(told.get("refusal"))
        calls = told.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else []):
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                continue
            at = call["index"] if isinstance(call.get("index"), int) else place
            if isinstance(function.get("name"), str) and function["name"]:
                self.names[at] = function["name"]
            self.arguments.setdefault(at, []).append(function.get("arguments"))

    def reply(self) -> Reply:
        content = "".join(self.content).strip()
        if self.refusal or self.finish == "content_filter":
            raise Unusable("it refused")
        if self.finish == "length":
            raise Unusable("its answer was longer than allowed")
        if len(content) > MOST_CONTENT:
            raise Unusable("its answer was too long")
        calls = tuple((name, _joined(self.arguments.get(at, []))) for at, name in sorted(self.names.items()))
        if not content and not calls:
            raise Failed("the endpoint's answer was empty")
        return Reply(content, calls, self.tokens)


def _joined(pieces: list[Any]) -> Any:
    texts = [piece for piece in pieces if piece is not None]
    return "".join(texts) if all(isinstance(piece, str) for piece in texts) else texts[0]


def read(pieces: Iterable[bytes], *, content_type: str, until: float, seconds: float) -> Reply:
    """``until``: a time of the monotonic clock. Raises Failed, Unusable."""
    whole, kind = _Whole(), content_type.partition(";")[0].strip().lower()
    limited = _limited(pieces, until=until, seconds=seconds)
    if kind == "text/event-stream":
        ended = False
        for line in _lines(limited):
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                ended = True
                break
            whole.add(_json(data), "delta")
        if not ended and whole.finish is None:
            raise Failed("its answer was cut off")
    elif kind == "application/json":
        whole.add(_json(b"".join(limited)), "message")
    else:
        raise Failed("the endpoint answered with something that is not JSON")
    return whole.reply()


def _limited(pieces: Iterable[bytes], *, until: float, seconds: float) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_BYTES:
            raise Unusable("its answer was too long")
        if time.monotonic() > until:
            raise Failed(f"no answer within {seconds:g} s")
        yield piece


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        yield from whole
    if rest:
        yield rest


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Failed("the endpoint's answer cannot be read") from error
