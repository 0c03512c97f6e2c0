"""The chat page and its endpoint: who may ask, what is kept, and that names are only ever text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client

from insights.models import Conversation, Message
from tests.insights.business import HOSTILE, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


def user_in(group: str | None, name: str = "someone") -> Client:
    user = User.objects.create_user(name)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, question: str, **more: Any) -> Any:
    return client.post("/api/v1/ask", json.dumps({"question": question, **more}), content_type="application/json")


@pytest.mark.parametrize(
    ("group", "status"),
    [
        ("executive", 200),
        ("ad-ops", 200),
        ("ad-ops-lead", 200),
        ("read-only", 200),
        ("editor", 403),
        ("advertiser-member", 403),
        ("viewer", 403),
        (None, 403),
    ],
)
def test_only_those_who_run_the_business_open_the_page_and_ask(business: Business, group: str | None, status: int) -> None:
    client = user_in(group)
    assert client.get("/insights/").status_code == status
    assert ask(client, "How much did we spend yesterday?").status_code == status


def test_a_stranger_is_sent_to_sign_in_and_may_not_ask() -> None:
    page = Client().get("/insights/")
    assert page.status_code == 302
    assert "login" in page["Location"]
    assert ask(Client(), "How much did we spend yesterday?").status_code == 403
    assert not Message.objects.exists()


def test_asking_without_the_csrf_token_is_refused(business: Business) -> None:
    client = Client(enforce_csrf_checks=True)
    user = User.objects.create_superuser("root")
    client.force_login(user)
    assert ask(client, "How much did we spend yesterday?").status_code == 403


@time_machine.travel(NOW, tick=False)
def test_an_answer_is_kept_in_the_askers_conversation_and_shown_again(business: Business) -> None:
    client = user_in("executive")
    first = ask(client, "How much did we spend yesterday?").json()
    assert first["status"] == "answered"
    assert first["text"] == "For yesterday (2026-11-20, UTC), spend was $31.25."
    assert first["engine"] == "built-in analyst (no language model)"
    second = ask(client, "impressions by day last week", conversation=first["conversation"]).json()
    assert second["conversation"] == first["conversation"]
    page = client.get(f"/insights/{first['conversation']}/")
    kept = json.loads(page.content.decode().split('<script id="history" type="application/json">')[1].split("</script>")[0])
    assert [answer["question"] for answer in kept] == ["How much did we spend yesterday?", "impressions by day last week"]
    assert kept[0]["rows"] == first["rows"]


def test_nobody_reads_or_continues_anothers_conversation(business: Business) -> None:
    theirs = ask(user_in("executive", "one"), "spend yesterday").json()["conversation"]
    other = user_in("executive", "two")
    assert other.get(f"/insights/{theirs}/").status_code == 404
    assert ask(other, "spend yesterday", conversation=theirs).status_code == 404
    assert Conversation.objects.count() == 1


@time_machine.travel(NOW, tick=False)
def test_a_hostile_name_reaches_the_page_only_as_escaped_data(business: Business) -> None:
    client = user_in("executive")
    answer = ask(client, "impressions by campaign last week").json()
    assert HOSTILE in answer["text"] + str(answer["rows"])
    page = client.get(f"/insights/{answer['conversation']}/").content.decode()
    assert "<img src=x" not in page
    assert "\\u003Cimg src\\u003Dx" in page or "\\u003Cimg src=x" in page


@pytest.mark.parametrize(
    "body",
    ['{"question": ""}', '{"question": "   "}', "{}", "[]", "not json", json.dumps({"question": "x" * 501}), '{"question": "a", "conversation": -1}'],
)
def test_what_cannot_be_read_is_a_400(body: str) -> None:
    assert user_in("executive").post("/api/v1/ask", body, content_type="application/json").status_code == 400


def test_more_than_thirty_questions_a_minute_are_slowed_down(business: Business) -> None:
    client = user_in("executive")
    cache.clear()
    statuses = [ask(client, "hello").status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
