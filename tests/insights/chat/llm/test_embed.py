"""Vectors of the endpoint's own model: made as we keep them, in few calls, and None with a reason when they cannot be had."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from django.test import override_settings

from insights.chat.llm.embed import BATCH, embed, engine, problem
from tests.insights.chat.scripted import Reply, Server, refused, serving, vectors


@pytest.fixture
def server() -> Iterator[Server]:
    with (
        serving(vectors) as server,
        override_settings(INSIGHTS_LLM_BASE_URL=server.url, INSIGHTS_LLM_EMBEDDING_MODEL="scripted-vectors", INSIGHTS_LLM_TIMEOUT_SECONDS=2.0),
    ):
        yield server


def test_without_a_model_there_are_no_vectors_and_nobody_is_asked() -> None:
    assert (embed(["ctr"]), engine(), problem()) == (None, "", None)


def test_texts_come_back_as_unit_vectors_in_their_order_over_several_batches(server: Server) -> None:
    texts = [f"figure {number}" for number in range(BATCH + 3)]
    made = embed(texts)
    assert made is not None
    assert made.shape == (BATCH + 3, 256)
    assert made.dtype == np.dtype(np.float32)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert [len(seen.body["input"]) for seen in server.seen] == [BATCH, 3]
    alone = embed([texts[-1]])
    assert alone is not None
    assert np.allclose(made[-1], alone[0])


def test_a_model_with_a_length_of_its_own_is_projected_and_asked_so_from_then_on(server: Server) -> None:
    server.brain = lambda seen: refused(400, "dimensions is not supported") if "dimensions" in seen.body else vectors(seen, length=768)
    near, far = "click through rate", "watch time"
    made, again = embed([near, far]), embed([near])
    assert made is not None
    assert again is not None
    assert made.shape == (2, 256)
    assert np.allclose(made[0], again[0], atol=1e-6)
    assert abs(float(made[0] @ made[1])) < 0.5
    assert ["dimensions" in seen.body for seen in server.seen] == [True, False, False]


def test_addresses_do_not_leave(server: Server) -> None:
    embed(["spend of jane.doe@example.org from 10.1.2.3 and fe80::1 at 18:30:00"])
    assert server.seen[0].body["input"] == ["spend of (e-mail) from (address) and (address) at 18:30:00"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refused(500, "oops"), "answered 500"),
        (refused(429, "slow down", ("Retry-After", "7")), "answered 429"),
        (Reply(raw=b"<html>", content_type="text/html"), "cannot be read"),
        (Reply(raw=json.dumps({"object": "list", "data": [{"index": 0, "embedding": ["x"]}]}).encode()), "cannot be read"),
        (Reply(raw=json.dumps({"object": "list", "data": []}).encode()), "cannot be read"),
    ],
)
def test_a_failure_gives_none_and_says_why(server: Server, reply: Reply, reason: str) -> None:
    server.brain = lambda seen: reply
    assert embed(["ctr"]) is None
    assert reason in (problem() or "")


def test_after_a_429_it_is_left_alone_for_as_long_as_it_asked(server: Server) -> None:
    server.brain = lambda seen: refused(429, "slow down", ("Retry-After", "7"))
    assert embed(["ctr"]) is None
    assert embed(["ctr"]) is None
    assert len(server.seen) == 1
    assert problem() == "it asked to be left alone for 7 s"


def test_a_slow_endpoint_is_not_waited_for(server: Server) -> None:
    server.brain = lambda seen: Reply(seconds=30)
    assert embed(["ctr"], timeout=0.1) is None
    assert problem() == "no answer within 0.1 s"


def test_batches_of_unlike_lengths_are_refused(server: Server) -> None:
    server.brain = lambda seen: vectors(seen, length=16 if len(seen.body["input"]) == BATCH else 8)
    assert embed(["x"] * (BATCH + 1)) is None
    assert problem() == "its vectors are of unlike lengths"
