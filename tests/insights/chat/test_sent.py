"""Queries and questions as somebody hostile or careless sends them: a clear refusal, our own words, never an error page."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client

from insights.chat.pipeline import ask
from insights.semantic.access import OPERATOR
from insights.semantic.loading import load
from tests.insights.business import NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


@pytest.fixture
def client() -> Client:
    cache.clear()
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get_or_create(name="executive")[0])
    client = Client()
    client.force_login(user)
    return client


def query(**more: Any) -> dict[str, Any]:
    return {"intent": "value", "cube": "delivery", "measures": ["clicks"], **more}


def send(client: Client, sent: dict[str, Any]) -> Any:
    return client.post("/api/v1/ask", json.dumps({"question": "clicks", "query": sent}), content_type="application/json")


@pytest.mark.parametrize(
    "question", ["clicks last 3000 years", "clicks since 0001-01-01", "clicks in 9999", "clicks last 99999999999 days", "clicks before 0002-02-02"]
)
def test_a_time_outside_of_any_calendar_is_asked_about_or_refused(business: Business, question: str) -> None:
    assert ask(question, scope=OPERATOR, model=load(), now=NOW, currency="USD").status in ("answered", "clarify", "refused")


@pytest.mark.parametrize(
    "period",
    [{"start": "0001-01-01T00:00:00Z"}, {"end": "9999-12-31T23:59:59Z"}, {"label": "\u0000"}, {"start": "2026-01-01T00:00:00"}],
)
def test_a_period_that_cannot_be_is_refused_in_words(client: Client, business: Business, period: dict[str, str]) -> None:
    told = send(client, query(period=period))
    assert told.status_code == 400
    assert "cannot be run" in str(told.json())


def test_a_name_with_a_nul_is_refused(client: Client, business: Business) -> None:
    assert send(client, query(filters=[{"dimension": "device", "values": ["tv"], "labels": ["\u0000"]}])).status_code == 400


def test_json_nested_thousands_deep_is_refused(client: Client) -> None:
    assert client.post("/api/v1/ask", "[" * 50_000, content_type="application/json").status_code == 400


@time_machine.travel(NOW, tick=False)
def test_what_the_sender_calls_things_is_not_what_the_answer_calls_them(client: Client, business: Business) -> None:
    campaign = business.campaigns["Electric Dawn"]
    sent = query(
        filters=[{"dimension": "campaign", "values": [campaign], "labels": ["Volt Motors <b>"]}],
        period={"start": "2026-11-09T00:00:00Z", "end": "2026-11-16T00:00:00Z", "label": "the best week ever"},
    )
    told = send(client, sent).json()
    assert "campaign: Electric Dawn" in told["interpretation"]
    assert "<b>" not in json.dumps(told)
    assert "best week" not in json.dumps(told)
    assert "2026-11-09 to 2026-11-15" in told["interpretation"]


@time_machine.travel(NOW, tick=False)
def test_a_period_called_what_it_is_keeps_its_words(client: Client, business: Business) -> None:
    period = {"start": "2026-11-09T00:00:00Z", "end": "2026-11-16T00:00:00Z", "label": "last week (2026-11-09 to 2026-11-15, UTC)"}
    assert "last week (2026-11-09 to 2026-11-15, UTC)" in send(client, query(period=period)).json()["interpretation"]
