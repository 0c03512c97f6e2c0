"""Each person may read and write so often in a minute, whatever they use and how many requests come at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from ads.api.throttles import WINDOW, take

from .staff import post, superuser


@pytest.fixture
def client() -> Any:
    return redis.Redis.from_url(settings.CACHE_REDIS_URL)


def test_any_number_at_once_are_let_through_as_often_as_they_may_be(client: Any) -> None:
    allowed: list[bool] = []

    def ask() -> None:
        allowed.extend(take(client, "reads", 1, limit=50, now=1000.0).allowed for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 50
    client.close()


def test_the_window_slides_and_who_waits_as_told_is_let_in(client: Any) -> None:
    begin = 600.0
    assert all(take(client, "writes", 1, limit=10, now=begin + 59).allowed for _ in range(10))
    refused = take(client, "writes", 1, limit=10, now=begin + 61)
    assert not refused.allowed
    assert not take(client, "writes", 1, limit=10, now=begin + 61 + refused.wait * 0.9).allowed
    assert take(client, "writes", 1, limit=10, now=begin + 61 + refused.wait + 0.01).allowed
    assert take(client, "writes", 2, limit=10, now=begin + 61).left == 9
    client.close()


@given(steps=st.lists(st.floats(0, 20), min_size=1, max_size=40), limit=st.integers(1, 6))
def test_the_wait_that_is_told_is_always_enough(steps: list[float], limit: int) -> None:
    with redis.Redis.from_url(settings.CACHE_REDIS_URL) as own:
        own.flushdb()
        now = 6000.0
        for step in steps:
            now += step
            taken = take(own, "writes", 1, limit=limit, now=now)
            assert 0 <= taken.left < limit
            if not taken.allowed:
                assert 0 < taken.wait <= 2 * WINDOW
                now += taken.wait + 0.001
                assert take(own, "writes", 1, limit=limit, now=now).allowed


@pytest.mark.django_db
def test_too_many_are_answered_with_how_long_to_wait(settings: Any) -> None:
    settings.API_WRITES_PER_MINUTE = 2
    staff = superuser()
    made = [post(staff, "advertisers", {"name": f"A{number}", "category": "travel"}) for number in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 429]
    assert made[0]["RateLimit"].startswith('"writes";r=1;t=')
    assert made[0]["RateLimit-Policy"] == '"writes";q=2;w=60'
    assert made[2].json()["type"] == "/api/problems/too-many-requests"
    assert 1 <= int(made[2]["Retry-After"]) <= 121
    assert staff.get("/api/v1/advertisers").status_code == 200


@pytest.mark.django_db
def test_without_redis_nobody_is_kept_from_working(settings: Any) -> None:
    staff = superuser()
    settings.CACHE_REDIS_URL = "redis://127.0.0.1:1/0"
    assert staff.get("/api/v1/advertisers").status_code == 200
