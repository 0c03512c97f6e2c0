"""Asking through the whole pipeline, with a scripted endpoint for the language model."""

from __future__ import annotations

from functools import cache

from insights.chat.answer import BUILT_IN, Answer
from insights.chat.llm import Assistant
from insights.chat.pipeline import ask
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from tests.insights.business import NOW

MODEL = "scripted"


def asked(url: str, question: str, *, timeout: float = 5.0, scope: Scope = OPERATOR, sees_rows: bool = True) -> Answer:
    assistant = Assistant(model=MODEL, api_key="secret-key", base_url=url, timeout=timeout, sees_rows=sees_rows)
    return ask(question, scope=scope, model=load(), now=NOW, currency="USD", assistant=assistant)


@cache
def without(question: str, *, scope: Scope = OPERATOR) -> Answer:
    """The built-in analyst's own answer, asked once: the business is the same in every test."""
    return ask(question, scope=scope, model=load(), now=NOW, currency="USD")


def fell_back(answer: Answer, question: str, reason: str) -> None:
    """What the built-in analyst says without a model, and a line that says why there was no more."""
    own = without(question)
    assert (answer.status, answer.text, answer.rows, answer.sql) == (own.status, own.text, own.rows, own.sql)
    assert answer.engine == BUILT_IN
    assert f"{MODEL} did not help (" in answer.note
    assert reason in answer.note
