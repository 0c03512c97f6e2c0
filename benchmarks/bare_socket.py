"""The web process that `benchmarks.director` measures: the product as it is, and beside it a socket that does nothing but its Redis calls."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import redis.asyncio
from django.conf import settings

from adplatform.web import application as product

PATH = "/ws/bare/"
STREAM, STATE_BYTES = "bare", 700
SECOND_ANSWER = b'{"type":"engagement","value":0.731,"low":0.52,"high":0.9,"leave":0.031,"trend":"steady","model_version":1,"ms":0.21}'.decode()

_clients: list[redis.asyncio.Redis] = []


class _Sent(msgspec.Struct):
    events: list[msgspec.Raw] = []


class _Event(msgspec.Struct):
    seq: int = 0


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Decodes, appends each event to a stream, keeps a state of a session's usual size, acknowledges, and says a second thing once a second."""
    if not _clients:
        _clients.append(redis.asyncio.Redis.from_url(settings.EVENTLOG_REDIS_URL))
    client, key, state, spoke_at = _clients[0], scope["path"], b"x" * STATE_BYTES, 0.0
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            continue
        sent = msgspec.json.decode(message["text"], type=_Sent)
        for event in sent.events:
            await client.xadd(STREAM, {b"e": bytes(event)})
        await client.set(key, state, ex=3600)
        seq = msgspec.json.decode(sent.events[-1], type=_Event).seq if sent.events else 0
        await send({"type": "websocket.send", "text": f'{{"type":"ack","seq":{seq},"refused":[]}}'})
        if time.monotonic() - spoke_at >= 1.0:
            spoke_at = time.monotonic()
            await send({"type": "websocket.send", "text": SECOND_ANSWER})


async def application(scope: Any, receive: Any, send: Any) -> None:
    await (bare if scope["path"].startswith(PATH) else product)(scope, receive, send)
