"""What people are offered to ask: by their role, within what they may see, and never what would be refused."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client

from ads.models import AdvertiserMember
from insights.chat.context import Context
from insights.chat.pipeline import ask
from insights.chat.suggestions import for_user, suggested, typed
from insights.models import Conversation, Message, VerifiedQuery
from insights.semantic.access import OPERATOR, Scope, scope_of
from insights.semantic.loading import load
from insights.semantic.retrieval import refresh
from tests.insights.business import CAMPAIGNS, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
CTR: dict[str, Any] = {"intent": "value", "cube": "delivery", "measures": ["ctr"]}


def person(group: str, advertiser: int | None = None) -> tuple[User, Scope | None]:
    user = User.objects.create_user(f"someone-{group}-{advertiser}")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    if advertiser:
        AdvertiserMember.objects.create(user=user, advertiser_id=advertiser)
    return user, scope_of(user)


def asking(scope: Scope) -> Context:
    return Context(scope, load(), NOW, "USD")


def said(user: User, question: str, times: int = 1) -> None:
    into = Conversation.objects.create(user=user)
    for _ in range(times):
        Message.objects.create(conversation=into, question=question, asked_at=NOW, status="answered", query=CTR)


@pytest.mark.parametrize("group", ["executive", "ad-ops", "advertiser-member"])
def test_every_question_on_a_start_page_is_answered_to_whom_it_is_offered(business: Business, group: str) -> None:
    _, scope = person(group, business.advertisers["Volt Motors"] if group == "advertiser-member" else None)
    assert scope
    offered = suggested(asking(scope))
    assert len(offered) >= 4
    for one in offered:
        answer = ask(one.question, scope=scope, model=load(), now=NOW, currency="USD")
        assert answer.status == "answered", f"{one.question}: {answer.text}"


def test_editors_are_offered_nothing_and_members_their_own_campaigns(business: Business) -> None:
    user, scope = person("editor")
    assert scope is None
    client = Client()
    client.force_login(user)
    assert client.get("/api/v1/ask/suggest").status_code == 403
    _, member = person("advertiser-member", business.advertisers["Volt Motors"])
    assert member
    questions = " ".join(one.question for one in suggested(asking(member)))
    assert "Electric Dawn" in questions
    assert not [campaign for owner, _, campaign in CAMPAIGNS if owner != "Volt Motors" and campaign in questions]


def test_what_is_asked_often_and_what_was_verified_come_first(business: Business) -> None:
    user, scope = person("executive")
    assert scope
    said(user, "Clicks by device last week", 3)
    said(user, "Clicks by genre last week")
    VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR, state="verified", verified_at=NOW)
    refresh()
    offered = for_user(user, scope, now=NOW)
    assert [(one.question, one.kind) for one in offered[:2]] == [
        ("Clicks by device last week", "yours"),
        ("How fond are people of our ads?", "verified"),
    ]
    assert "Clicks by genre last week" not in [one.question for one in offered]


def test_a_half_typed_question_is_completed_from_what_is_ones_own_or_may_be_seen(business: Business) -> None:
    user, scope = person("advertiser-member", business.advertisers["Harbor Coffee"])
    stranger, _ = person("executive")
    assert scope
    said(user, "Clicks of Morning Ritual last week")
    said(stranger, "Clicks of Electric Dawn last week")
    VerifiedQuery.objects.create(question="Clicks when it rains", query=CTR, state="verified", verified_at=NOW)
    VerifiedQuery.objects.create(question="Clicks of Volt Motors in spring", query=CTR, state="verified", verified_at=NOW)
    refresh()
    assert [one.question for one in typed("clicks", user, asking(scope))][:2] == ["Clicks of Morning Ritual last week", "Clicks when it rains"]
    assert [one.question for one in typed("ctr of morn", user, asking(scope))] == ["ctr of Morning Ritual"]
    for start in ("ctr of elec", "volt", "summer", "fill ra", "clicks of"):
        found = " ".join(one.question for one in typed(start, user, asking(scope)))
        assert "Electric" not in found and "Volt" not in found and "Summer" not in found and "fill rate" not in found
    assert "fill rate" in [one.question for one in typed("fill ra", stranger, asking(OPERATOR))]


@time_machine.travel(NOW, tick=False)
def test_the_endpoint_offers_both_and_the_page_begins_with_them(business: Business) -> None:
    user, _ = person("executive")
    client = Client()
    client.force_login(user)
    refresh()
    begin = client.get("/api/v1/ask/suggest").json()["suggestions"]
    assert begin and begin[0].keys() == {"question", "kind", "verified"}
    assert begin[0]["question"] in client.get("/insights/").text.replace("&#x27;", "'")
    assert {"question": "impressions by device", "kind": "dimension", "verified": False} in client.get(
        "/api/v1/ask/suggest", {"q": "impressions by dev"}
    ).json()["suggestions"]
    assert Client().get("/api/v1/ask/suggest").status_code == 403
