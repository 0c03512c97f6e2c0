"""One call of an endpoint: what it costs, how its failures are told, when it is left alone, and that no key is ever written down."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from insights.chat.llm import budget
from insights.chat.llm.client import Failed
from insights.chat.llm.endpoint import Endpoint, Message, Who
from insights.chat.llm.wire import Reply as Read
from insights.chat.llm.wire import Unusable
from tests.insights.chat.scripted import Call, Reply, Server, refused

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
KEY = "sk-very-secret-key"
TOOLS = [{"type": "function", "function": {"name": "query_metrics", "parameters": {"type": "object", "properties": {}}}}]


def messages(mode: str) -> list[Message]:
    return [{"role": "system", "content": mode}, {"role": "user", "content": "{}"}]


def complete(server: Server, *, person: int | None = 7, now: datetime = NOW, **given: Any) -> Read:
    return Endpoint("scripted", KEY, server.url, 2.0).complete(messages, who=Who(person, now), **given)


def failing(server: Server, **given: Any) -> str:
    with pytest.raises(Failed) as failed:
        complete(server, **given)
    return failed.value.reason


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_read_whole_however_it_is_sent(server: Server, stream: bool) -> None:  # noqa: FBT001
    server.brain = lambda seen: Reply(content="Grüße, " * 20, stream=stream, usage={"total_tokens": 31})
    reply = complete(server)
    assert (reply.content, reply.tokens) == (("Grüße, " * 20).strip(), 31)


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_call_is_put_together_from_its_pieces(server: Server, stream: bool) -> None:  # noqa: FBT001
    arguments = json.dumps({"intent": "value", "measures": ["clicks"] * 20})
    server.brain = lambda seen: Reply(calls=(Call("query_metrics", arguments), Call("list_catalog", "{}")), stream=stream, finish="tool_calls")
    assert complete(server, tools=TOOLS).calls == (("query_metrics", arguments), ("list_catalog", "{}"))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(content="x" * 100, cut=2), "cut off"),
        (Reply(raw=b"data: {broken\n\n", content_type="text/event-stream"), "cannot be read"),
        (Reply(raw=b'data: {"error": {"message": "boom"}}\n\n', content_type="text/event-stream"), "error of its own"),
        (Reply(raw=b"data: []\n\n", content_type="text/event-stream"), "cannot be read"),
        (Reply(raw=b"", content_type="text/event-stream"), "cut off"),
        (Reply(raw=b"[" * 100_000), "cannot be read"),
        (Reply(raw=b"hello", content_type="text/plain"), "not JSON"),
        (Reply(content=""), "empty"),
        (Reply(seconds=30), "no answer within 0.1 s"),
    ],
)
def test_what_an_endpoint_does_wrong_is_told_in_a_few_words(server: Server, reply: Reply, reason: str) -> None:
    server.brain = lambda seen: reply
    assert reason in failing(server, seconds=0.1 if reply.seconds else None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(refusal="no"), "it refused"),
        (Reply(content="x", finish="content_filter"), "it refused"),
        (Reply(content="{", finish="length"), "longer than allowed"),
        (Reply(content="x" * 30_000), "too long"),
        (Reply(content="x" * 500_000), "too long"),
        (Reply(content="x" * 500_000, stream=False), "too long"),
    ],
)
def test_a_model_that_refuses_or_goes_on_and_on_does_not_make_its_endpoint_rest(server: Server, reply: Reply, reason: str) -> None:
    server.brain = lambda seen: reply
    for _ in range(4):
        with pytest.raises(Unusable, match=reason):
            complete(server)
    assert len(server.seen) == 4


def test_after_three_failures_in_a_row_the_endpoint_rests(server: Server) -> None:
    server.brain = lambda seen: refused(500, "oops")
    for _ in range(3):
        assert failing(server) == "the endpoint answered 500"
    assert "failed 3 times in a row" in failing(server)
    assert len(server.seen) == 3


def test_after_the_rest_one_success_ends_the_count_and_one_failure_the_next_rest(server: Server) -> None:
    resting = f"llm:rest:{Endpoint('scripted', KEY, server.url).rest.name}"
    server.brain = lambda seen: refused(500, "oops")
    for _ in range(3):
        failing(server)
    cache.delete(resting)
    failing(server)
    assert cache.get(resting)
    cache.delete(resting)
    server.brain = lambda seen: Reply(content="ok")
    complete(server)
    server.brain = lambda seen: refused(500, "oops")
    failing(server)
    assert not cache.get(resting)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [((), 20), ((("Retry-After", "7"),), 7), ((("Retry-After", "99999"),), 600), ((("Retry-After", "soon"),), 20)],
    ids=["unsaid", "seconds", "far_too_long", "unreadable"],
)
def test_an_endpoint_that_says_too_many_is_left_alone_as_long_as_it_asks(server: Server, headers: Any, seconds: int) -> None:
    server.brain = lambda seen: refused(429, "slow down", *headers)
    assert failing(server) == "the endpoint answered 429"
    assert failing(server) == f"it asked to be left alone for {seconds} s"
    assert len(server.seen) == 1


def test_a_date_to_wait_for_is_understood_too(server: Server) -> None:
    until = datetime.now(UTC) + timedelta(seconds=90)
    server.brain = lambda seen: refused(503, "busy", ("Retry-After", f"{until:%a, %d %b %Y %H:%M:%S GMT}"))
    failing(server)
    assert "left alone for" in failing(server)


@override_settings(INSIGHTS_LLM_DAILY_TOKENS=4000)
def test_a_person_has_so_many_tokens_a_day(server: Server) -> None:
    server.brain = lambda seen: Reply(content="ok", usage={"total_tokens": 1500})
    complete(server)
    complete(server)
    assert budget.spent(7, NOW) == 3000
    assert failing(server) == "your tokens for today are used up"
    assert budget.spent(7, NOW) == 3000
    complete(server, person=8)
    complete(server, now=NOW + timedelta(days=1))
    assert len(server.seen) == 4


def test_tokens_that_are_not_told_are_estimated_and_a_refused_request_costs_none(server: Server) -> None:
    server.brain = lambda seen: Reply(content="x" * 300)
    complete(server)
    assert 100 < budget.spent(7, NOW) < 200
    server.brain = lambda seen: refused(500, "oops")
    failing(server, person=8)
    assert budget.spent(8, NOW) == 0


def test_every_call_has_a_limit_of_its_own(server: Server) -> None:
    server.brain = lambda seen: Reply(content="ok")
    complete(server)
    assert server.seen[0].body["max_tokens"] == 1500


def test_neither_the_key_nor_what_the_endpoint_says_of_it_is_written_down(server: Server, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    server.brain = lambda seen: refused(401, f"Incorrect API key provided: {KEY}")
    with caplog.at_level(logging.DEBUG):
        assert KEY not in failing(server)
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in caplog.text
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("refuse", ["tools", "tool_choice", "temperature", "stream_options", "stream"])
def test_what_is_refused_by_name_is_left_out_from_then_on(server: Server, refuse: str) -> None:
    server.brain = lambda seen: refused(400, f"{refuse} is not supported") if seen.body.get(refuse, False) is not False else Reply(content="ok")
    complete(server, tools=TOOLS)
    complete(server, tools=TOOLS)
    assert [seen.body.get(refuse, False) is not False for seen in server.seen] == [True, False, False]


def test_a_refusal_that_no_leaving_out_mends_ends_in_a_few_requests(server: Server) -> None:
    server.brain = lambda seen: refused(404, "no such model")
    assert failing(server, tools=TOOLS) == "the endpoint answered 404"
    assert len(server.seen) == 3
    server.seen.clear()
    server.brain = lambda seen: Reply(content="ok")
    complete(server, tools=TOOLS)
    assert "tools" in server.seen[0].body
