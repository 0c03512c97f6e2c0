"""Prometheus text: what each request cost, how many sockets are open, how far the tables are behind the log.

Counters live in the process that counts. With ``PROMETHEUS_MULTIPROC_DIR`` set, as ``make run`` does, every process writes
its own below that folder and one scrape of the web process answers for all of them.
"""

from __future__ import annotations

import hmac
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import redis
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from . import health, heartbeat
from .eventlog import health as log_health
from .learning.monitoring import gauges

REQUESTS = Counter("intermission_http_requests_total", "HTTP requests answered", ["view", "method", "status"])
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SECONDS = Histogram("intermission_http_request_seconds", "Time to answer one HTTP request", ["view"], buckets=BUCKETS)
SOCKETS = Gauge("intermission_sockets_open", "WebSocket connections open", ["socket"], multiprocess_mode="livesum")

Readings = Callable[[], Iterable[tuple[str, str, float]]]
_readings: list[Readings] = []


def register(readings: Readings) -> None:
    """A room's own gauges, read at each scrape: ``(name, help, value)``. A server that is away leaves them out."""
    _readings.append(readings)


# Requests and sockets


@sync_and_async_middleware
def request_metrics(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Stands outermost, so that refusals of the other middleware are counted too."""
    if iscoroutinefunction(get_response):

        async def measured_later(request: HttpRequest) -> HttpResponseBase:
            began = time.perf_counter()
            response: HttpResponseBase = await get_response(request)
            _count(request, response, began)
            return response

        return measured_later

    def measured(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response: HttpResponseBase = get_response(request)
        _count(request, response, began)
        return response

    return measured


def _count(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    # Names and routes, never paths: a path holds ids, and each would become a series of its own.
    match = request.resolver_match
    view = (match.view_name or match.route) if match else "unmatched"
    REQUESTS.labels(view, request.method or "", response.status_code).inc()
    SECONDS.labels(view).observe(time.perf_counter() - began)


Application = Callable[[Any, Any, Any], Awaitable[None]]


def count_sockets(application: Application) -> Application:
    """ASGI wrapper that counts connections by the room they lead to: ``/ws/<room>/...``."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        parts = scope["path"].split("/")
        room = parts[2] if len(parts) > 2 and re.fullmatch(r"[a-z]{1,20}", parts[2]) else "other"
        opened = False

        async def watching(message: Any) -> None:
            nonlocal opened
            if message["type"] == "websocket.accept" and not opened:
                opened = True
                SOCKETS.labels(room).inc()
            await send(message)

        try:
            await application(scope, receive, watching)
        finally:
            if opened:
                SOCKETS.labels(room).dec()

    return counted


# The scrape


class _AtScrape(Collector):
    """Gauges read when asked for; a server that is away shows as ``intermission_server_up 0`` and hides only its own."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("intermission_server_up", "1 while the server answers", labels=["server"])
        for server, url, reading in (("eventlog", settings.EVENTLOG_REDIS_URL, _log), ("cache", settings.CACHE_REDIS_URL, _heartbeats)):
            answers = health.answers(url)
            up.add_metric([server], answers)
            try:
                yield from reading() if answers else ()
            except (redis.RedisError, DatabaseError):
                continue
        yield up
        with suppress(DatabaseError):
            yield from list(_models())
        for readings in _readings:
            try:
                values = list(readings())
            except (redis.RedisError, DatabaseError):
                continue
            for name, words, value in values:
                yield GaugeMetricFamily(name, words, value=value)


def _log() -> Iterator[Metric]:
    behind = log_health.snapshot()
    yield GaugeMetricFamily("intermission_log_lag_entries", "Log entries no consumer has read", value=behind["lag"])
    yield GaugeMetricFamily("intermission_log_pending_entries", "Log entries read and not acknowledged", value=behind["pending"])
    yield GaugeMetricFamily("intermission_log_oldest_seconds", "Age of the oldest entry not in the tables", value=behind["oldest_pending_seconds"])
    yield GaugeMetricFamily("intermission_dead_events", "Events set aside because they could not be stored", value=behind["dead"])


def _heartbeats() -> Iterator[Metric]:
    ages = GaugeMetricFamily("intermission_heartbeat_age_seconds", "Seconds since a process last went round its loop", labels=["process"])
    for process, seconds in heartbeat.ages().items():
        ages.add_metric([process], seconds)
    yield ages


def _models() -> Iterator[Metric]:
    """The last readings of the models that serve. An hour's and a day's are told apart by ``span``."""
    now = timezone.now()
    labels = ["kind", "measure", "subject", "span"]
    values = GaugeMetricFamily("intermission_model_reading", "Last reading of a serving model's health", labels=labels)
    alarms = GaugeMetricFamily("intermission_model_alarm", "1 where the last reading is beyond its bound", labels=labels)
    for one in gauges.champions(now):
        span = "hour" if (one.window_to - one.window_from).total_seconds() < 7200 else "day"
        label = [one.version.kind, one.measure, one.subject, span]
        if one.value is not None:
            values.add_metric(label, one.value)
        if one.bound is not None:
            alarms.add_metric(label, float(one.alarm))
    ages = GaugeMetricFamily("intermission_model_read_age_seconds", "Seconds since the end of the last window that was read", labels=["kind"])
    for kind, seconds in gauges.read_ages(now).items():
        ages.add_metric([kind], seconds)
    yield from (values, alarms, ages)


def render() -> bytes:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    registry = CollectorRegistry()
    registry.register(_AtScrape())
    if folder:
        _forget_dead(Path(folder))
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)


def _forget_dead(folder: Path) -> None:
    """Counters of a process that ended stay true; its open sockets do not."""
    for kept in folder.glob("gauge_live*_*.db"):
        pid = int(kept.stem.rsplit("_", 1)[1])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """``GET /metrics``: with METRICS_TOKEN for its bearer only, without one for this machine only."""
    if not _may_scrape(request):
        return HttpResponse("set METRICS_TOKEN and send it as a bearer token\n", status=403, content_type="text/plain")
    return HttpResponse(render(), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    # A proxy on this machine also comes from the loopback address, with somebody else behind it.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and not forwarded
