"""What people find again of what they asked, and that nobody finds another's: history, answers, tables, and the rows themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client

from ads.models import AdvertiserMember
from insights.models import Conversation, Message
from tests.insights.business import HOSTILE, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
OTHERS = ("Silver Lantern", "Summer Blockbusters", "Matinee Classics", "Harbor Coffee", "Morning Ritual", "Pixelforge", HOSTILE)
FOREIGN = "How is the Summer Blockbusters campaign doing?"
HISTORY = "/api/v1/ask/conversations"


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    cache.clear()


def client_of(name: str, group: str, advertiser: int | None = None) -> Client:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    if advertiser:
        AdvertiserMember.objects.create(user=user, advertiser_id=advertiser)
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, question: str, **more: Any) -> dict[str, Any]:
    response = client.post("/api/v1/ask", json.dumps({"question": question, **more}), content_type="application/json")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def found(client: Client, **query: str) -> list[str]:
    return [one["title"] for one in client.get(HISTORY, query).json()]


@time_machine.travel(NOW, tick=False)
def test_a_member_asks_over_their_own_rows_and_reads_no_other_name_anywhere(business: Business) -> None:
    volt = client_of("mia", "advertiser-member", business.advertisers["Volt Motors"])
    client_of("eve", "executive").post("/api/v1/ask", {"question": "spend by campaign"}, content_type="application/json")
    seen = [volt.get("/insights/").text]
    for question in (
        "spend by advertiser",
        "impressions by campaign last week",
        FOREIGN,
        "list the campaigns",
    ):
        answer = ask(volt, question)
        seen.append(json.dumps({name: value for name, value in answer.items() if name not in ("question", "text")}))
        seen += [volt.get(f"/insights/{answer['conversation']}/").text.split('id="history"')[0], volt.get(HISTORY).text]
    assert ask(volt, "spend by advertiser")["rows"] == [["Volt Motors", 163.0]]
    told = "".join(seen).replace(FOREIGN, "")
    assert [name for name in OTHERS if name in told] == []


@time_machine.travel(NOW, tick=False)
def test_a_query_sent_by_a_member_with_the_key_of_another_finds_nothing(business: Business) -> None:
    volt = client_of("mia", "advertiser-member", business.advertisers["Volt Motors"])
    query = ask(volt, "spend in all time")["query"]
    others = {"dimension": "advertiser", "values": [business.advertisers["Harbor Coffee"]], "labels": ["x"], "op": "in"}
    assert [row for row in ask(volt, "spend in all time", query=query | {"filters": [others]})["rows"] if row != [None]] == []


def test_a_member_without_an_advertiser_opens_nothing(business: Business) -> None:
    nobody = client_of("mia", "advertiser-member")
    assert nobody.get("/insights/").status_code == 403
    assert nobody.get(HISTORY).status_code == 403


def test_what_another_asked_is_nowhere_to_be_found(business: Business) -> None:
    eve, otto = client_of("eve", "executive"), client_of("otto", "ad-ops")
    answer = ask(eve, "spend by campaign in all time")
    assert eve.get(f"/api/v1/ask/{answer['message']}/table.csv").status_code == 200
    for path in (f"{HISTORY}/{answer['conversation']}", f"/api/v1/ask/{answer['message']}", f"/api/v1/ask/{answer['message']}/table.csv"):
        assert otto.get(path).status_code == 404
    changed = otto.patch(f"{HISTORY}/{answer['conversation']}", {"title": "mine"}, content_type="application/json")
    assert (changed.status_code, found(otto), found(otto, q="spend")) == (404, [], [])


def test_conversations_are_searched_by_what_was_said_named_and_put_away(business: Business) -> None:
    eve = client_of("eve", "executive")
    first = ask(eve, "spend by campaign in all time")["conversation"]
    ask(eve, "impressions by device in all time")
    assert found(eve) == ["impressions by device in all time", "spend by campaign in all time"]
    assert found(eve, q="CAMPAIGN spend") == ["spend by campaign in all time"]
    assert found(eve, q="mobile") == ["impressions by device in all time"]
    assert found(eve, q="100%") == []
    eve.patch(f"{HISTORY}/{first}", {"title": "Monday's figures"}, content_type="application/json")
    assert found(eve, q="monday") == ["Monday's figures"]
    eve.patch(f"{HISTORY}/{first}", {"archived": True}, content_type="application/json")
    assert (found(eve), found(eve, archived="1")) == (["impressions by device in all time"], ["Monday's figures"])
    assert eve.patch(f"{HISTORY}/{first}", {}, content_type="application/json").status_code == 400
    assert eve.patch(f"{HISTORY}/{first}", {"title": "x" * 121}, content_type="application/json").status_code == 400


def test_an_answer_goes_on_being_found_and_its_table_is_a_file(business: Business) -> None:
    eve = client_of("eve", "executive")
    answer = ask(eve, "spend by campaign in all time")
    again = eve.get(f"/api/v1/ask/{answer['message']}").json()
    assert again == answer
    assert eve.get(f"{HISTORY}/{answer['conversation']}").json()["messages"] == [answer]
    file = eve.get(f"/api/v1/ask/{answer['message']}/table.csv")
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert file["Content-Disposition"] == 'attachment; filename="spend-by-campaign-in-all-time.csv"'
    lines = file.content.decode().splitlines()
    assert lines[0] == "campaign,spend (USD)"
    assert len(lines) == 1 + len(answer["rows"])
    assert eve.get(f"/api/v1/ask/{answer['message']}/table.csv?bom=1").content[:3] == b"\xef\xbb\xbf"
    assert eve.get(f"/api/v1/ask/{answer['message']}/table.csv?table=7").status_code == 404


def test_a_question_sent_twice_is_stored_once(business: Business) -> None:
    eve = client_of("eve", "executive")
    first, second = (ask(eve, "spend in all time", id="0193-one-question") for _ in range(2))
    assert (first["message"], Message.objects.count(), Conversation.objects.count()) == (second["message"], 1, 1)
    assert ask(client_of("otto", "ad-ops"), "spend in all time", id="0193-one-question")["message"] != first["message"]


def test_a_query_that_cannot_be_run_is_a_400_in_words(business: Business) -> None:
    eve = client_of("eve", "executive")
    response = eve.post("/api/v1/ask", {"question": "x", "query": {"intent": "value"}}, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["query"][0].startswith("This query cannot be run: ")
