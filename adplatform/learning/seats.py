"""What this process serves of each kind: the champion and the challenger beside it, taken from the rows and swapped while it runs.

A change of alias commits first and then raises a version marker in Redis. A serving process looks at the marker at most once
a second and loads what the rows say when it moved; when Redis or PostgreSQL is away, or an artifact is damaged, it goes on
with the models it has.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from adplatform.eventlog import stream
from adplatform.models import ModelVersion

from .artifacts import LoadedModel, load_version
from .predictor import ArtifactRefused

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
# Even with the marker unmoved: a process may have died between its commit and raising it.
LOOK_AT_ROWS_SECONDS = 30.0
Alias = ModelVersion.Alias


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves a kind, read in one look and so of one moment.

    ``challenger_version`` is under test in ``stage`` (shadow or canary), in a canary with ``traffic_share`` of the traffic 0-1.
    ``challenger`` is None when its artifact could not be loaded here: its share of the traffic stays what it is, and the
    champion answers it.
    """

    champion: LoadedModel | None = None
    challenger: LoadedModel | None = None
    challenger_version: int | None = None
    stage: str = ""
    traffic_share: float = 0.0


NOBODY = Serving()


@dataclass(slots=True)
class _Seat:
    """What this process serves for one kind, of which ``aliases``, and when it last looked."""

    aliases: list[str]
    serving: Serving = NOBODY
    marker: bytes | str | None = None
    looked_at: float = float("-inf")
    looked_at_rows: float = float("-inf")
    refused: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


# By kind, and by whether the challenger alone is loaded.
_seats: dict[tuple[str, bool], _Seat] = {}


def load_serving(kind: str) -> Serving:
    """Champion and challenger as this process serves them. Looks for newer ones at most once a second.

    Never raises for a server that is away or an artifact that is damaged: the last champion loaded stays. One thread looks;
    the others go on with what is loaded. Inside an event loop the look happens on a thread, so nothing there waits for it.
    """
    return _serving(kind, challenger_only=False)


def load_challenger(kind: str) -> Serving:
    """As `load_serving`, for a process that decides nothing: the champion is not loaded, and costs it no memory."""
    return _serving(kind, challenger_only=True)


def _serving(kind: str, *, challenger_only: bool) -> Serving:
    seat = _seats.setdefault((kind, challenger_only), _Seat([Alias.CHALLENGER] if challenger_only else [Alias.CHAMPION, Alias.CHALLENGER]))
    if time.monotonic() - seat.looked_at < LOOK_SECONDS or not seat.lock.acquire(blocking=False):
        return seat.serving
    seat.looked_at = time.monotonic()
    if _inside_event_loop():
        threading.Thread(target=_look_and_leave, args=(kind, seat), name=f"champion-{kind}", daemon=True).start()
    else:
        try:
            _look(kind, seat)
        finally:
            seat.lock.release()
    return seat.serving


def load_champion(kind: str) -> LoadedModel | None:
    """The champion as this process serves it, None when there is none; see `load_serving`."""
    return load_serving(kind).champion


def forget_loaded() -> None:
    """Drop what this process has loaded; the next request looks anew."""
    _seats.clear()


def announce(kind: str) -> None:
    """Tell every serving process to look. When Redis is away they find the new models by looking at the rows."""
    for challenger_only in (False, True):
        if seat := _seats.get((kind, challenger_only)):
            seat.looked_at = seat.looked_at_rows = float("-inf")
    try:
        stream.client().incr(_marker(kind))
    except redis.exceptions.RedisError as error:
        log.warning("model marker not raised", kind=kind, error=str(error))


def _inside_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _look_and_leave(kind: str, seat: _Seat) -> None:
    try:
        _look(kind, seat)
    finally:
        connection.close()
        seat.lock.release()


def _look(kind: str, seat: _Seat) -> None:
    try:
        marker = _impatient_client(settings.EVENTLOG_REDIS_URL).get(_marker(kind))
    except redis.exceptions.RedisError as error:
        log.warning("model marker unreadable, keeping the loaded models", kind=kind, error=str(error))
        marker = seat.marker
    now = time.monotonic()
    if marker == seat.marker and now - seat.looked_at_rows < LOOK_AT_ROWS_SECONDS:
        return
    try:
        rows = {row.alias: row for row in ModelVersion.objects.filter(kind=kind, alias__in=seat.aliases)}
    except DatabaseError as error:
        log.warning("model versions unreadable, keeping the loaded models", kind=kind, error=str(error))
        return
    seat.looked_at_rows, seat.marker = now, marker
    seat.serving = _seated(seat, rows.get(Alias.CHAMPION), rows.get(Alias.CHALLENGER))


def _seated(seat: _Seat, champion: ModelVersion | None, challenger: ModelVersion | None) -> Serving:
    before = seat.serving
    loaded = {model.version_number: model for model in (before.champion, before.challenger) if model is not None}
    return Serving(
        champion=None if champion is None else _loaded(seat, champion, loaded) or before.champion,
        challenger=None if challenger is None else _loaded(seat, challenger, loaded),
        challenger_version=None if challenger is None else challenger.number,
        stage="" if challenger is None else challenger.status,
        traffic_share=0.0 if challenger is None else challenger.traffic_share,
    )


def _loaded(seat: _Seat, version: ModelVersion, loaded: dict[int, LoadedModel]) -> LoadedModel | None:
    """None when it cannot be loaded, which is told once. What serves already is not loaded again."""
    if version.number in loaded:
        return loaded[version.number]
    try:
        model = load_version(version)
    except ArtifactRefused as error:
        if version.number not in seat.refused:
            log.error("model refused, keeping what is loaded", kind=version.kind, version=version.number, alias=version.alias, reason=str(error))
        seat.refused.add(version.number)
        return None
    seat.refused.discard(version.number)
    return model


@lru_cache(maxsize=2)
def _impatient_client(url: str) -> redis.Redis:
    """No retries and short timeouts: a look happens inside a request and may fail, a wait may not."""
    return redis.Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))


def _marker(kind: str) -> str:
    return f"model:{kind}:marker"
