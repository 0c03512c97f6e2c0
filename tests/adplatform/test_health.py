"""What the probes say, server by server."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from adplatform import health, heartbeat

pytestmark = pytest.mark.django_db


def states(client: Client, *, status: int) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == status
    return {name: check["state"] for name, check in response.json()["checks"].items()}


def test_a_living_process_says_so_without_asking_anybody(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_it_is_ready_but_degraded_while_no_consumer_and_no_publisher_run(client: Client) -> None:
    found = states(client, status=200)
    assert found == {
        "postgresql": "ok", "redis_cache": "ok", "redis_eventlog": "ok", "migrations": "ok", "consumer": "down", "publisher": "down",
    }  # fmt: skip
    assert client.get("/readyz").json()["status"] == "degraded"


def test_it_is_ready_once_both_have_been_heard_from(client: Client) -> None:
    heartbeat.beat("consumer")
    heartbeat.beat("publisher")
    assert client.get("/readyz").json()["status"] == "ready"


def test_a_publisher_silent_for_five_seconds_is_late() -> None:
    heartbeat.beat("publisher", now=1000.0)
    assert heartbeat.age("publisher", now=1004.5) == 4.5
    assert next(check for check in health.checks() if check.name == "publisher").state == "late"


@pytest.mark.parametrize(("setting", "name"), [("CACHE_REDIS_URL", "redis_cache"), ("EVENTLOG_REDIS_URL", "redis_eventlog")])
def test_a_redis_that_is_away_is_named_with_what_to_do(client: Client, settings: Any, setting: str, name: str) -> None:
    setattr(settings, setting, "unix:///nonexistent/redis.sock?db=0")
    assert states(client, status=503)[name] == "down"
    assert "REDIS_URL" in client.get("/readyz").json()["checks"][name]["detail"]


def test_a_missing_migration_is_no_readiness(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    monkeypatch.setattr(health, "_migrations_seen_applied", False)
    MigrationRecorder.Migration.objects.filter(app="insights").delete()
    assert states(client, status=503)["migrations"] == "down"
