"""Servers of one's own, as the environment names them."""

from __future__ import annotations

import pytest

from adplatform import settings


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ("redis://cache:6379", "redis://cache:6379/5"),
        ("redis://cache:6379/", "redis://cache:6379/5"),
        ("redis://:secret@cache:6379/2", "redis://:secret@cache:6379/5"),
        ("redis://cache:6379/0?db=3", "redis://cache:6379/5"),
        ("rediss://cache:6379?ssl_cert_reqs=required", "rediss://cache:6379/5?ssl_cert_reqs=required"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=5"),
    ],
)
def test_a_redis_address_gets_the_database_number_of_its_use(named: str, used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", named)
    assert settings._redis("cache", "REDIS_URL", 5) == used


def test_celery_reads_a_unix_socket_in_its_own_words() -> None:
    assert settings._celery_url("unix:///run/redis.sock?db=5") == "redis+socket:///run/redis.sock?virtual_host=5"
    assert settings._celery_url("redis://cache:6379/5") == "redis://cache:6379/5"
