"""One call of a chat endpoint: within the person's tokens, while it is not resting, in what it understands, and with an end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.exceptions import RedisError

from . import budget, dialect, wire
from .client import CONNECT_SECONDS, Failed, client, failure
from .dialect import Dialect, Tool
from .rest import Rest
from .wire import Reply, Unusable

log = structlog.get_logger(__name__)
Message = dict[str, str]
# What is left out one after the other until an endpoint takes what is sent: as many times as there is something to leave out.
MOST_TRIES = 8


@dataclass(frozen=True)
class Who:
    """Whose tokens a call uses, and on which day."""

    person: int | None
    now: datetime


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible chat endpoint. An empty ``base_url`` is the client's own default. ``timeout``: seconds for one answer."""

    model: str
    api_key: str
    base_url: str = ""
    timeout: float = 8.0
    most_tokens: int = 1500

    @property
    def rest(self) -> Rest:
        return Rest.of(self.base_url, self.model)

    def mode(self, tools: Sequence[Tool]) -> str:
        """How it will be asked as far as is known: tools, json or text."""
        return dialect.remembered(self.rest.name).mode(tools)

    def complete(
        self, messages: Callable[[str], list[Message]], *, who: Who, tools: Sequence[Tool] = (), seconds: float | None = None, forget: str = ""
    ) -> Reply:
        """``messages`` makes them for a mode. ``forget``: a mode that was of no use a moment ago.

        Raises Failed; Unusable where the endpoint works and the model does not do as it was asked.
        """
        allowed = min(seconds or self.timeout, self.timeout)
        try:
            if reason := self.rest.reason():
                raise Failed(reason)
            return self._within_budget(messages, who, tools, allowed, forget)
        except RedisError as error:
            raise Failed("its budget cannot be looked up just now") from error

    def _within_budget(self, messages: Callable[[str], list[Message]], who: Who, tools: Sequence[Tool], seconds: float, forget: str) -> Reply:
        speaks = dialect.remembered(self.rest.name)
        if forget and speaks.mode(tools) == forget != "text":
            speaks = speaks.without(Failed("", status=400), tools) or speaks
        asked = json.dumps(messages(speaks.mode(tools))) + json.dumps(list(tools))
        most = budget.estimated(asked) + self.most_tokens
        if not budget.taken(who.person, who.now, most):
            raise Unusable("your tokens for today are used up")
        used = 0
        try:
            reply, speaks = self._tried(messages, tools, speaks, seconds)
            used = budget.estimated(asked + reply.content + json.dumps(reply.calls)) if reply.tokens is None else reply.tokens
        except Unusable:
            used = most
            self.rest.succeeded()
            raise
        except Failed as failed:
            # What broke off half way was worked on all the same.
            used = 0 if failed.status else budget.estimated(asked)
            self.rest.failed(failed.reason, pause=failed.pause)
            log.warning("language_model_failed", model=self.model, reason=failed.reason)
            raise
        finally:
            budget.settled(who.person, who.now, taken=most, used=used)
        self.rest.succeeded()
        dialect.remember(self.rest.name, speaks)
        return reply

    def _tried(self, messages: Callable[[str], list[Message]], tools: Sequence[Tool], speaks: Dialect, seconds: float) -> tuple[Reply, Dialect]:
        """Asks, and where something that was sent is not taken, asks again without it."""
        until = time.monotonic() + seconds
        for _ in range(MOST_TRIES):
            left = until - time.monotonic()
            if left <= 0:
                raise Failed(f"no answer within {seconds:g} s")
            try:
                return self._once(messages(speaks.mode(tools)), tools, speaks, seconds=left, told=seconds), speaks
            except Failed as failed:
                simpler = speaks.without(failed, tools)
                if simpler is None:
                    raise
                speaks = simpler
        raise Failed("it takes nothing of what was sent")

    def _once(self, messages: list[Message], tools: Sequence[Tool], speaks: Dialect, *, seconds: float, told: float) -> Reply:
        import httpx2  # openai's own: its errors come through where a body is read piece by piece
        import openai

        began = time.monotonic()
        chat = client(self.base_url, self.api_key).chat.completions.with_streaming_response
        limit = openai.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        sent = {"model": self.model, "messages": messages, **speaks.fields(tools, most_tokens=self.most_tokens)}
        try:
            with chat.create(**sent, timeout=limit) as response:
                kind = response.headers.get("content-type", "")
                reply = wire.read(response.iter_bytes(), content_type=kind, until=began + seconds, seconds=told)
        except httpx2.TimeoutException:
            raise Failed(f"no answer within {told:g} s") from None
        except httpx2.HTTPError:
            raise Failed("its answer was cut off") from None
        except openai.OpenAIError as error:
            raise failure(error, seconds=told) from None
        log.info(
            "language_model_asked",
            model=self.model,
            mode=speaks.mode(tools),
            tokens=reply.tokens,
            milliseconds=round(1000 * (time.monotonic() - began), 1),
        )
        return reply
