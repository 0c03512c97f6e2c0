"""Wording by a language model, against a real OpenAI-compatible server on loopback that says what each test scripts."""

from __future__ import annotations

import pytest
from django.test import override_settings

from insights.chat import llm
from insights.chat.llm.phrasing import SYSTEM
from tests.insights.business import HOSTILE, Business
from tests.insights.chat.scripted import Reply, Server, refused, said

from .asking import asked, fell_back

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
QUESTION = "Which campaign had the highest CTR last week?"


def test_a_good_answer_is_shown_with_its_cells_filled_in(business: Business, server: Server) -> None:
    server.brain = lambda seen: said("{{r1.campaign}} had the highest {{label.ctr}}, {{r1.ctr}}, from {{r1.clicks}} clicks in {{period}}.")
    answer = asked(server.url, QUESTION)
    assert answer.text == "Summer Blockbusters had the highest CTR, 1.48%, from 40 clicks in last week (2026-11-09 to 2026-11-15, UTC)."
    assert answer.engine == "phrased by scripted"
    assert answer.note == ""
    assert len(server.seen) == 1


def test_a_fenced_answer_is_read_too(business: Business, server: Server) -> None:
    server.brain = lambda seen: Reply(content='```json\n{"text": "{{r1.campaign}} had the highest {{label.ctr}}: {{r1.ctr}}."}\n```')
    assert asked(server.url, QUESTION).text == "Summer Blockbusters had the highest CTR: 1.48%."


def test_names_go_to_the_model_as_data_and_never_as_instructions(business: Business, server: Server) -> None:
    server.brain = lambda seen: said("{{r1.campaign}} had the highest {{label.ctr}}.")
    asked(server.url, QUESTION)
    assert server.seen[0].system == SYSTEM
    assert HOSTILE in [row["campaign"] for row in server.seen[0].payload["rows"]]
    assert "tools" not in server.seen[0].body


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{r1.campaign}} reached a CTR of 9.99%.", "figures of its own"),
        ("{{r1.campaign}} reached a CTR of ٩٩ percent.", "figures of its own"),
        ("{{r1.campaign}} clicks were twenty-five thousand.", "a number in words"),
        ("{{r1.campaign}} had {{r9.ctr}}.", "a cell that is not there"),
        ("{{r1.campaign}} had {{r1.profit}}.", "a cell that is not there"),
        ("{{r1.campaign}} had {{label.ctr.", "broken placeholder"),
        ("{{r1.campaign}} rose because of the new creative.", "because"),
        ("{{r2.campaign}} did worst.", "worst"),
        ("See <img src=x> {{r1.ctr}}", "markup"),
        ("[{{r1.ctr}}](https://evil.example/?q={{r1.campaign}})", "markup"),
        ("All is well.", "named no figure"),
        ("{{r1.ctr}} " + "and so on " * 100, "too long"),
    ],
)
def test_a_figure_a_cell_or_a_judgement_of_its_own_is_rejected_twice_and_then_not_shown(
    business: Business, server: Server, text: str, reason: str
) -> None:
    server.brain = lambda seen: said(text)
    fell_back(asked(server.url, QUESTION), QUESTION, reason)
    assert len(server.seen) == 2
    assert reason in server.seen[1].payload["problem"]


def test_a_text_that_is_mended_after_one_hint_is_shown(business: Business, server: Server) -> None:
    server.brain = lambda seen: said("{{r1.ctr}} it was." if "problem" in seen.payload else "It was 12%.")
    answer = asked(server.url, QUESTION)
    assert (answer.text, answer.note) == ("1.48% it was.", "")


@pytest.mark.parametrize(
    ("reply", "reason", "calls"),
    [
        (Reply(content="Summer Blockbusters did well."), "not JSON", 2),
        (Reply(content='{"answer": "x"}'), "no text", 2),
        (Reply(content='["x"]'), "not JSON", 2),
        (Reply(content='{"text": 5}'), "no text", 2),
        (Reply(content=""), "empty", 1),
        (Reply(content=None), "empty", 1),
        (Reply(raw=b'{"choices": []}'), "empty", 1),
        (Reply(raw=b"{}"), "empty", 1),
        (Reply(raw=b"[[[[[["), "cannot be read", 1),
        (Reply(raw=b"<html>not an api</html>", content_type="text/html"), "not JSON", 1),
        (Reply(raw=b'{"choices": [{"mess'), "cannot be read", 1),
        (refused(429, "slow down"), "answered 429", 1),
        (refused(500, "oops"), "answered 500", 1),
        (refused(401, "no"), "answered 401", 1),
    ],
)
def test_nonsense_and_errors_fall_back_visibly(business: Business, server: Server, reply: Reply, reason: str, calls: int) -> None:
    server.brain = lambda seen: reply
    fell_back(asked(server.url, QUESTION), QUESTION, reason)
    assert len(server.seen) == calls


def test_an_endpoint_slower_than_the_timeout_is_not_waited_for(business: Business, server: Server) -> None:
    server.brain = lambda seen: Reply(seconds=30)
    fell_back(asked(server.url, QUESTION, timeout=0.2), QUESTION, "no answer within 0.2 s")


def test_a_refused_connection_falls_back(business: Business) -> None:
    fell_back(asked("http://127.0.0.1:9/v1", QUESTION), QUESTION, "cannot be reached")


def test_where_no_rows_may_be_sent_nothing_is_worded(business: Business, server: Server) -> None:
    answer = asked(server.url, QUESTION, sees_rows=False)
    assert (answer.status, answer.note) == ("answered", "")
    assert server.seen == []


def test_addresses_in_names_and_questions_do_not_leave(business: Business, server: Server) -> None:
    server.brain = lambda seen: said("{{r1.ctr}}")
    asked(server.url, "CTR last week please, thanks jane@example.org 10.0.0.7")
    assert server.seen
    assert b"jane@example.org" not in server.seen[0].raw
    assert b"10.0.0.7" not in server.seen[0].raw


@pytest.mark.parametrize(("question", "told"), [("best campaign", "clarify"), ("CTR in March", "answered")])
def test_a_choice_of_the_askers_and_an_empty_period_never_reach_the_model(business: Business, server: Server, question: str, told: str) -> None:
    assert asked(server.url, question).status == told
    assert server.seen == []


def test_no_model_is_used_or_spoken_of_unless_one_is_configured() -> None:
    assert llm.configured() is None
    with override_settings(INSIGHTS_LLM_BASE_URL="http://127.0.0.1:9/v1", INSIGHTS_LLM_MODEL="local"):
        configured = llm.configured()
        assert configured is not None
        assert (configured.model, configured.api_key) == ("local", "none")
    with override_settings(OPENAI_API_KEY="k", INSIGHTS_LLM_ROWS="none"):
        configured = llm.configured()
        assert configured is not None
        assert not configured.sees_rows
