"""What Prometheus can read, and who may."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from adplatform import heartbeat, metrics
from adplatform.eventlog import stream
from insights.live import store

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


def scrape(client: Client) -> str:
    response = client.get("/metrics")
    assert response.status_code == 200
    return response.content.decode()


def test_requests_are_counted_by_view_and_status_never_by_path(client: Client) -> None:
    client.get("/healthz")
    client.get("/no/such/page/of-ours")
    text = scrape(client)
    assert re.search(r'intermission_http_requests_total\{method="GET",status="200",view="healthz"\} [1-9]', text)
    assert re.search(r'intermission_http_requests_total\{method="GET",status="404",view="unmatched"\} [1-9]', text)
    assert 'intermission_http_request_seconds_bucket{le="0.05",view="healthz"}' in text
    assert "of-ours" not in text


def test_the_log_and_the_heartbeats_are_read_at_the_scrape(client: Client) -> None:
    stream.client().xadd(stream.STREAM, {stream.FIELD: b"waiting"})
    heartbeat.beat("publisher")
    text = scrape(client)
    assert "intermission_log_lag_entries 1.0" in text
    assert 'intermission_heartbeat_age_seconds{process="publisher"}' in text
    assert 'intermission_server_up{server="eventlog"} 1.0' in text


def test_the_published_figures_are_gauges(client: Client) -> None:
    lease = store.hold("a test")
    assert lease
    body = '{"tiles": {"active_sessions": {"value": 3}}, "totals": {"impressions": 12}}'
    assert store.keep(lease, store.MAIN, meta='{"built_at": "2026-11-20T14:37:12+00:00"}', body=body)
    text = scrape(client)
    assert "intermission_live_active_sessions 3.0" in text
    assert "intermission_today_impressions 12.0" in text


def test_a_log_that_is_away_shows_as_down_and_hides_nothing_else(client: Client, settings: Any) -> None:
    settings.EVENTLOG_REDIS_URL = "unix:///nonexistent/redis.sock?db=0"
    text = scrape(client)
    assert 'intermission_server_up{server="eventlog"} 0.0' in text
    assert 'intermission_server_up{server="cache"} 1.0' in text


def test_without_a_token_only_this_machine_may_read_and_no_proxy(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "10.1.2.3"}).status_code == 403


def test_with_a_token_only_its_bearer_may_read(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "for the scraper"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer guess"}).status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer for the scraper"}, REMOTE_ADDR="10.1.2.3").status_code == 200


async def test_open_sockets_are_counted_until_they_close() -> None:
    async def application(scope: object, receive: object, send: object) -> None:
        await send({"type": "websocket.accept"})  # type: ignore[operator]
        assert open_sockets() == before + 1

    def open_sockets() -> float:
        value: float = metrics.SOCKETS.labels("live")._value.get()
        return value

    before = open_sockets()

    async def send(message: object) -> None: ...

    await metrics.count_sockets(application)({"path": "/ws/live/"}, None, send)
    assert open_sockets() == before


WORK_OF_TWO_PROCESSES = """
import os, django; django.setup()
from adplatform import metrics
for _ in range(2):
    child = os.fork()
    if not child:
        metrics.REQUESTS.labels("page", "GET", 200).inc(); metrics.SOCKETS.labels("live").inc(); os._exit(0)
    os.waitpid(child, 0)
print(metrics.render().decode())
"""


def test_one_scrape_answers_for_all_processes_that_share_a_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WORK_OF_TWO_PROCESSES]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    assert 'intermission_http_requests_total{method="GET",status="200",view="page"} 2.0' in done.stdout
    assert not re.search(r'intermission_sockets_open\{socket="live"\} [1-9]', done.stdout)


def test_every_setting_is_documented() -> None:
    source = (ROOT / "adplatform/settings.py").read_text() + (ROOT / "adplatform/runtime.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|environ\.get|_redis)\((?:"\w+", )?"([A-Z][A-Z_]+)"', source)) | {"EVENTLOG_REDIS_URL", "REDIS_URL"}
    documented = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    by_the_environment = {"INTERMISSION_TESTING", "CODESPACE_NAME", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"}
    assert read - by_the_environment <= documented
