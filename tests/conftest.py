"""Starts the real PostgreSQL and Redis for the test run and leaves both Redis empty before each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
import redis
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from adplatform import runtime
from ads import policy
from tests import flushing
from tests.budget import pytest_runtest_logreport, pytest_terminal_summary  # noqa: F401 (hooks)
from tests.media import films, media  # noqa: F401 (fixtures of every room)

# Databases and sockets make single examples slow by chance; what a property test may cost is the number of its examples.
_unhurried = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
hypothesis_settings.register_profile("ci", _unhurried, max_examples=60, derandomize=True)
hypothesis_settings.register_profile("soak", _unhurried, max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    with runtime.servers():
        if runtime.uses_embedded_postgres():
            _keep_nothing()
        yield


def _keep_nothing() -> None:
    """What tests write need not outlive the machine: without waiting for the disk, emptying the tables after a test takes a tenth of the time."""
    with psycopg.connect(runtime.places().database_url("postgres"), dbname="postgres", autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, _servers: None) -> None:
    """Databases are created only once the server is up."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        flushing.take_over()


@pytest.fixture(autouse=True)
def _empty_redis(_servers: None) -> None:
    for url in (settings.CACHE_REDIS_URL, settings.CHANNELS_REDIS_URL, settings.EVENTLOG_REDIS_URL):
        client = redis.Redis.from_url(url)
        client.flushdb()
        client.close()


@pytest.fixture(autouse=True)
def _no_ad_policy_of_another_test(_servers: None) -> None:
    policy.forget()
