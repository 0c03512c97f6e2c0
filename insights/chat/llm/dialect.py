"""What an endpoint understands of the chat API, found by trying and remembered: tools, JSON mode, streams, and how a limit is called.

"OpenAI-compatible" promises little: some models take ``max_completion_tokens`` and no ``temperature``, some servers have no tools until a
flag is set, some refuse what others ignore. Each refusal takes one thing away; what then works is kept for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.core.cache import cache

from .client import Failed

REMEMBERED_SECONDS = 86_400
# With these an endpoint says that it does not take what was asked, not that it is in trouble.
NOT_TAKEN = frozenset({400, 404, 405, 415, 422, 501})
Tool = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """What may be sent. ``json``: ``response_format``; ``choice``: ``tool_choice``; ``usage``: ``stream_options``; ``completion``:
    the limit is called ``max_completion_tokens``."""

    tools: bool = True
    json: bool = True
    choice: bool = True
    stream: bool = True
    usage: bool = True
    temperature: bool = True
    completion: bool = False

    def mode(self, tools: Sequence[Tool]) -> str:
        if tools and self.tools:
            return "tools"
        return "json" if self.json else "text"

    def fields(self, tools: Sequence[Tool], *, most_tokens: int) -> dict[str, Any]:
        sent: dict[str, Any] = {"max_completion_tokens" if self.completion else "max_tokens": most_tokens, "stream": self.stream}
        if self.stream and self.usage:
            sent["stream_options"] = {"include_usage": True}
        if self.temperature:
            sent["temperature"] = 0
        match self.mode(tools):
            case "tools":
                sent["tools"] = list(tools)
                if self.choice:
                    sent["tool_choice"] = "required"
            case "json":
                sent["response_format"] = {"type": "json_object"}
        return sent

    def without(self, failed: Failed, tools: Sequence[Tool]) -> Dialect | None:
        """What to try after a refusal: without what it names, or else without the most elaborate thing that was sent. None: it is no such
        refusal, or there is nothing left to leave out."""
        named = failed.told.lower()
        for words, has, change in (
            (("max_completion_tokens",), not self.completion, {"completion": True}),
            (("temperature",), self.temperature, {"temperature": False}),
            (("stream_options", "include_usage"), self.stream and self.usage, {"usage": False}),
            (("tool_choice", "tool choice"), self.choice and self.mode(tools) == "tools", {"choice": False}),
            (("response_format", "json_object", "json mode"), self.mode(tools) == "json", {"json": False}),
            (("tool", "function"), self.mode(tools) == "tools", {"tools": False}),
            (("stream",), self.stream, {"stream": False}),
        ):
            if has and failed.status in NOT_TAKEN | {500} and any(word in named for word in words):
                return replace(self, **change)
        if failed.status not in NOT_TAKEN or self.mode(tools) == "text":
            return None
        return replace(self, tools=False) if self.mode(tools) == "tools" else replace(self, json=False)


def remembered(name: str) -> Dialect:
    """``name`` is the endpoint's, as its breaker's."""
    told: dict[str, bool] | None = cache.get(f"llm:dialect:{name}")
    return Dialect(**told) if told else Dialect()


def remember(name: str, dialect: Dialect) -> None:
    if dialect != remembered(name):
        cache.set(f"llm:dialect:{name}", asdict(dialect), REMEMBERED_SECONDS)
