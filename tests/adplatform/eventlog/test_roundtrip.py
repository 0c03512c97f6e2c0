"""Many commands, one round trip: answers in order, and a connection that is fit for the next caller whatever happens."""

from __future__ import annotations

import pytest
import redis

from adplatform.eventlog import stream
from adplatform.eventlog.roundtrip import Exchange, exchange


def test_replies_come_in_order_as_redis_gave_them() -> None:
    client = stream.client()
    replies = exchange(client, [("SET", "a", b"\x00\xff"), ("GET", "a"), ("ZADD", "z", 1.5, "m"), ("HMGET", "h", "x", "y"), ("INCRBY", "n", 7)])
    assert replies == [b"OK", b"\x00\xff", 1, [None, None], 7]


def test_a_command_that_fails_is_raised_and_leaves_the_connection_in_step() -> None:
    client = stream.client()
    with pytest.raises(redis.exceptions.ResponseError):
        exchange(client, [("SET", "a", 1), ("LPUSH", "a", 1), ("SET", "b", 2)])
    assert exchange(client, [("GET", "a"), ("GET", "b")]) == [b"1", b"2"]


def test_a_connection_that_the_server_closed_is_made_anew() -> None:
    client = stream.client()
    mine = client.client_id()
    with redis.Redis(
        connection_pool=redis.ConnectionPool(**client.connection_pool.connection_kwargs, connection_class=client.connection_pool.connection_class)
    ) as other:
        other.client_kill_filter(_id=mine)
    assert exchange(client, [("PING",)]) == [b"PONG"]


def test_a_script_that_the_server_does_not_know_is_sent_to_it() -> None:
    stream.client().script_flush()
    for _ in range(2):
        asking = Exchange(stream.client())
        asking.eval("return redis.call('ECHO', ARGV[1])", 0, "one")
        asking.eval("return ARGV[1]", 0, "two")
        assert asking.execute() == [b"one", b"two"]
