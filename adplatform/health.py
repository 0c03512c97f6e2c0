"""Is the process alive (``/healthz``), and can it serve (``/readyz``)?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import heartbeat
from .eventlog import health as log_health

CONSUMER_SILENT_SECONDS = 15.0
PUBLISHER_SILENT_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """``state`` is ok, late or down. While a ``needed`` one is down requests fail; the others only let figures age."""

    name: str
    state: str
    needed: bool
    detail: str = ""


def checks() -> list[Check]:
    return [
        _needed("postgresql", _database, "does not answer; start it or correct DATABASE_URL"),
        _needed("redis_cache", lambda: answers(settings.CACHE_REDIS_URL), "does not answer; start it or correct REDIS_URL"),
        _needed("redis_eventlog", lambda: answers(settings.EVENTLOG_REDIS_URL), "does not answer; start it or correct EVENTLOG_REDIS_URL"),
        _needed("migrations", _migrated, "not all applied; run manage.py migrate"),
        _helpful(_consumer, "consumer"),
        _helpful(_publisher, "publisher"),
    ]


def answers(url: str) -> bool:
    """Does this Redis answer now? One attempt on a connection of its own, so that an outage is told in a second."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=heartbeat.ONCE) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _needed(name: str, question: Callable[[], bool], otherwise: str) -> Check:
    try:
        fine = question()
    except (DatabaseError, redis.RedisError):
        fine = False
    return Check(name, "ok" if fine else "down", needed=True, detail="" if fine else otherwise)


def _helpful(reading: Callable[[], Check], name: str) -> Check:
    try:
        return reading()
    except (DatabaseError, redis.RedisError):
        return Check(name, "down", needed=False, detail="cannot be asked: its server is away")


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


_migrations_seen_applied = False


def _migrated() -> bool:
    """Asked until it is once true: migrations are applied before a release's processes start and never taken back under them."""
    global _migrations_seen_applied
    if not _migrations_seen_applied:
        executor = MigrationExecutor(connection)
        _migrations_seen_applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrations_seen_applied


def _consumer() -> Check:
    if not answers(settings.EVENTLOG_REDIS_URL):
        return Check("consumer", "down", needed=False, detail="the event log is away")
    age = heartbeat.age("consumer")
    behind = log_health.snapshot()
    detail = f"{behind['lag']} unread, {behind['pending']} in hand, oldest {behind['oldest_pending_seconds']:.1f} s, {behind['dead']} dead"
    return _heard("consumer", age, CONSUMER_SILENT_SECONDS, detail)


def _publisher() -> Check:
    return _heard("publisher", heartbeat.age("publisher"), PUBLISHER_SILENT_SECONDS)


def _heard(name: str, age: float | None, silent_seconds: float, detail: str = "") -> Check:
    heard = "none has run" if age is None else f"last heard of {age:.1f} s ago"
    state = "down" if age is None else "late" if age > silent_seconds else "ok"
    return Check(name, state, needed=False, detail="; ".join(filter(None, (heard, detail))))


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process can answer at all; asks nobody else, so that a dead database does not restart the web."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 ``ready`` or ``degraded``, 503 ``not_ready``, with every check by name."""
    found = checks()
    broken = any(check.needed and check.state != "ok" for check in found)
    status = "not_ready" if broken else "ready" if all(check.state == "ok" for check in found) else "degraded"
    body = {"status": status, "checks": {check.name: {key: value for key, value in asdict(check).items() if key != "name"} for check in found}}
    return JsonResponse(body, status=503 if broken else 200)
