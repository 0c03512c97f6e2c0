"""What a model called, out of whatever an endpoint makes of it: a tool call, JSON, JSON in a fence, JSON after its thoughts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .tools import ASK, LOOK, QUERY, WHY
from .wire import Reply

KNOWN = (QUERY, WHY, LOOK, ASK)
MOST_OBJECTS = 20
_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|$)", re.DOTALL | re.IGNORECASE)


class Unreadable(ValueError):
    """No call can be made out; the message says what to do instead."""


def called(reply: Reply) -> tuple[str, dict[str, Any]]:
    """(tool, arguments) of the one call. Raises Unreadable."""
    if len(reply.calls) > 1:
        raise Unreadable("call exactly one tool")
    if reply.calls:
        return _known(*reply.calls[0])
    found = [call for told in objects(reply.content) if (call := _as_call(told))]
    if not found:
        raise Unreadable('answer with one call of a tool and nothing else, as {"tool": ..., "arguments": {...}}')
    return _known(*found[-1])  # thoughts come first


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, outermost only, in their order."""
    return list(_objects(_THOUGHTS.sub(" ", text)))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, at, found = json.JSONDecoder(), text.find("{"), 0
    while at >= 0 and found < MOST_OBJECTS:
        try:
            told, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            after = at + 1
        else:
            if isinstance(told, dict):
                found += 1
                yield told
        at = text.find("{", after)


def _as_call(told: dict[str, Any]) -> tuple[str, Any] | None:
    """The forms in which models write a call as text."""
    calls = told.get("tool_calls")
    if isinstance(calls, list) and len(calls) == 1 and isinstance(calls[0], dict):
        told = calls[0]
    if isinstance(told.get("function"), dict):
        told = told["function"]
    name = next((told[key] for key in ("tool", "name", "function", "tool_name") if isinstance(told.get(key), str)), None)
    if name is not None:
        arguments = next((told[key] for key in ("arguments", "parameters", "args", "input") if key in told), None)
        return name, {} if arguments is None else arguments
    if len(told) == 1 and (only := next(iter(told))) in KNOWN:
        return only, told[only]
    return (QUERY, told) if "intent" in told else None


def _known(name: str, arguments: Any) -> tuple[str, dict[str, Any]]:
    if name not in KNOWN:
        raise Unreadable(f"there are only these tools: {', '.join(KNOWN)}")
    if isinstance(arguments, str):
        read = objects(arguments)
        if not read:
            # Twice encoded: a text of JSON in a text of JSON.
            try:
                read = objects(str(json.loads(arguments)))
            except (ValueError, RecursionError):
                read = []
        arguments = read[0] if len(read) == 1 else None
    if not isinstance(arguments, dict):
        raise Unreadable(f"the arguments of {name} must be one JSON object")
    return name, arguments
