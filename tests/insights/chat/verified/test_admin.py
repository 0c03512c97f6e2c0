"""The admin pages of verified questions and of what people thought of answers, as the ad-ops lead uses them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from insights.chat.pipeline import ask
from insights.models import Conversation, Feedback, Message, VerifiedQuery
from insights.semantic.access import OPERATOR
from insights.semantic.loading import load
from tests.insights.business import HOSTILE, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
CTR: dict[str, Any] = {"intent": "value", "cube": "delivery", "measures": ["ctr"]}


@pytest.fixture
def lead() -> Client:
    return signed_in("ad-ops-lead")


def signed_in(group: str) -> Client:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user(f"someone-{group}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def judged(question: str, *, good: bool) -> Feedback:
    user = User.objects.get_or_create(username="executive")[0]
    message = Message.objects.create(
        conversation=Conversation.objects.create(user=user), question=question, asked_at=NOW, status="answered", query=CTR,
        answer={"text": HOSTILE, "sql": "SELECT 1 AS ctr", "params": {"p1": 7}, "interpretation": "CTR of all time"},
    )  # fmt: skip
    return Feedback.objects.create(message=message, user=user, good=good, given_at=NOW)


class Form(HTMLParser):
    """What a browser would send of the page's change form: every field as it is rendered; and the names of its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: set[str] = set()
        self._inside, self._area = False, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self._inside = given.get("id") == "verifiedquery_form"
        elif tag == "button" and given.get("type") == "submit":
            self.buttons |= {name} if self._inside or given.get("form") == "verifiedquery_form" else set()
        elif self._inside and name and tag in {"input", "textarea"}:
            self.fields[name] = given.get("value") or ""
            self._area = name if tag == "textarea" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            self.fields[self._area] = self.fields[self._area].removeprefix("\r\n").removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data


def run(client: Client, model: str, action: str, *rows: Any) -> Any:
    return client.post(f"/admin/insights/{model}/", {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def test_the_page_shows_what_the_question_answers_now_and_the_list_names_what_no_longer_fits(business: Business, lead: Client) -> None:
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR)
    gone = VerifiedQuery.objects.create(question="How wealthy are we?", query=CTR | {"measures": ["wealth"]}, state="verified")
    page = lead.get(f"/admin/insights/verifiedquery/{row.pk}/change/").text
    assert "CTR was" in page
    assert "SELECT" in page
    assert "no measure wealth" in lead.get("/admin/insights/verifiedquery/").text
    assert "answers nobody" in lead.get(f"/admin/insights/verifiedquery/{gone.pk}/change/").text


def test_verify_and_reject_from_the_list_and_from_the_page(business: Business, lead: Client) -> None:
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR)
    bad = VerifiedQuery.objects.create(question="How wealthy are we?", query=CTR | {"measures": ["wealth"]})
    said = run(lead, "verifiedquery", "approve", row, bad).text
    assert "does not fit the semantic model" in said
    assert list(VerifiedQuery.objects.order_by("pk").values_list("state", flat=True)) == ["verified", "proposed"]
    form = {
        "question": row.question,
        "others": "Do people like our ads?",
        "query": json.dumps(CTR),
        "note": "By clicks",
        "insights_verifiedquery_reject_it": "",
    }
    assert lead.post(f"/admin/insights/verifiedquery/{row.pk}/change/", form).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.phrasings, row.note) == ("rejected", ["Do people like our ads?"], "By clicks")


def test_the_page_as_it_is_rendered_verifies_and_the_question_answers_with_its_badge(business: Business, lead: Client) -> None:
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", phrasings=["Do people like our ads?"], query=CTR)
    url = f"/admin/insights/verifiedquery/{row.pk}/change/"
    form = Form(lead.get(url).text)
    assert json.loads(form.fields["query"]) == CTR
    assert {"insights_verifiedquery_approve_it", "insights_verifiedquery_reject_it", "_save"} <= form.buttons
    assert lead.post(url, form.fields | {"insights_verifiedquery_approve_it": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.query["measures"], row.phrasings) == ("verified", ["ctr"], ["Do people like our ads?"])
    answer = ask("do people like our ads", scope=OPERATOR, model=load(), now=NOW, currency="USD")
    assert answer.status == "answered"
    assert answer.verified
    assert answer.verified["by"] == "someone-ad-ops-lead"
    assert lead.post(url, Form(lead.get(url).text).fields | {"_save": ""}).status_code == 302
    row.refresh_from_db()
    assert row.query["measures"] == ["ctr"]


def test_what_was_typed_stays_as_typed_and_a_new_one_begins_empty(business: Business, lead: Client) -> None:
    add = "/admin/insights/verifiedquery/add/"
    form = Form(lead.get(add).text).fields
    assert form["query"] == ""
    for typed in ("{not json", '"a text"'):
        assert Form(lead.post(add, form | {"question": "How fond?", "query": typed}).text).fields["query"] == typed


def test_the_admin_calls_them_by_their_plural_names(lead: Client) -> None:
    page = lead.get("/admin/").text
    assert "Verified queries" in page
    assert "Verified querys" not in page
    assert "Feedbacks" not in page


def test_a_query_that_does_not_fit_is_not_saved(business: Business, lead: Client) -> None:
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR)
    form = {"question": row.question, "others": "", "query": json.dumps(CTR | {"cube": "weather"}), "note": ""}
    assert "does not fit the semantic model" in lead.post(f"/admin/insights/verifiedquery/{row.pk}/change/", form).text
    row.refresh_from_db()
    assert row.query == CTR


def test_who_may_only_look_gets_no_buttons(business: Business) -> None:
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR)
    client = signed_in("ad-ops")
    assert client.get(f"/admin/insights/verifiedquery/{row.pk}/change/").status_code == 200
    run(client, "verifiedquery", "approve", row)
    assert client.post(f"/admin/insights/verifiedquery/{row.pk}/change/", {"insights_verifiedquery_approve_it": ""}).status_code == 403
    row.refresh_from_db()
    assert row.state == "proposed"
    assert signed_in("editor").get("/admin/insights/feedback/").status_code == 403


def test_a_good_answer_is_proposed_in_one_step_and_a_bad_one_is_seen_to_with_its_outcome(business: Business, lead: Client) -> None:
    good, bad = judged("How fond are people of our ads?", good=True), judged("CTR of it all", good=False)
    listed = lead.get("/admin/insights/feedback/", {"state__exact": "open", "good__exact": "0"}).text
    assert "CTR of it all" in listed
    assert "How fond" not in listed
    page = lead.get(f"/admin/insights/feedback/{bad.pk}/change/").text
    assert "SELECT 1 AS ctr" in page
    assert "&quot;measures&quot;" in page
    assert "<img src=x" not in page
    run(lead, "feedback", "propose", good)
    assert VerifiedQuery.objects.get().state == "proposed"
    lead.post(f"/admin/insights/feedback/{bad.pk}/change/", {"outcome": "told them the period was last week"})
    outcomes = dict(Feedback.objects.values_list("pk", "outcome"))
    assert outcomes == {good.pk: "proposed as a verified question", bad.pk: "told them the period was last week"}
    assert set(Feedback.objects.values_list("state", flat=True)) == {"done"}
