"""What staff have checked answers first: the same question, its period read anew, under the asker's own scope."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User

from insights.chat.answer import Answer
from insights.chat.pipeline import ask
from insights.models import VerifiedQuery
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from insights.semantic.retrieval import refresh
from tests.insights.business import NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
HEALTH: dict[str, Any] = {
    "intent": "value",
    "cube": "delivery",
    "measures": ["ctr"],
    "filters": [{"dimension": "device", "values": ["tv"], "labels": ["tv"]}],
    "period": {"start": "2026-11-09T00:00:00Z", "end": "2026-11-16T00:00:00Z", "label": "last week"},
}


def checked(question: str, query: dict[str, Any], **more: Any) -> VerifiedQuery:
    by = User.objects.get_or_create(username="lead")[0]
    return VerifiedQuery.objects.create(question=question, query=query, state="verified", verified_by=by, verified_at=NOW, **more)


def asked(question: str, scope: Scope = OPERATOR) -> Answer:
    return ask(question, scope=scope, model=load(), now=NOW, currency="USD")


def on(campaign: str, key: int) -> dict[str, Any]:
    return {
        "intent": "value",
        "cube": "delivery",
        "measures": ["clicks"],
        "filters": [{"dimension": "campaign", "values": [key], "labels": [campaign]}],
    }


def test_a_checked_question_answers_before_the_analyst_and_says_who_checked_it(business: Business) -> None:
    assert asked("How healthy is the big screen last week?").status == "refused"
    checked("How healthy is the big screen last week?", HEALTH, note="Click rate is what we watch.")
    answer = asked("how healthy is the big screen last week")
    assert answer.status == "answered"
    assert answer.verified is not None
    assert answer.verified["question"] == "How healthy is the big screen last week?"
    assert (answer.verified["by"], answer.verified["note"]) == ("lead", "Click rate is what we watch.")
    assert answer.query is not None
    assert answer.query.filters[0].values == ("tv",)


def test_the_period_that_is_asked_takes_the_place_of_the_stored_one(business: Business) -> None:
    checked("How healthy is the big screen last week?", HEALTH)
    with time_machine.travel(NOW):
        month, week = asked("How healthy is the big screen in October 2026?"), asked("How healthy is the big screen last week?")
    assert month.query and week.query
    assert (str(month.query.period.start)[:10], str(month.query.period.end)[:10]) == ("2026-10-01", "2026-11-01")
    assert (str(week.query.period.start)[:10], str(week.query.period.end)[:10]) == ("2026-11-09", "2026-11-16")
    assert asked("How healthy is the big screen?").verified is None
    assert asked("How healthy is the big screen next year?").verified is None


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("Please tell me how healthy the big screen is last week", True),
        ("how helthy is the big screen yesterday?", True),
        ("How healthy is our big screen last week", True),
        ("How healthy is the big screen last week by genre?", False),
        ("How healthy is the big screen not last week?", False),
        ("Is the big picture of health fine last week?", True),
    ],
)
def test_only_the_same_question_is_the_same(business: Business, question: str, same: object) -> None:
    checked("How healthy is the big screen last week?", HEALTH, phrasings=["Is the big picture of health fine last week?"])
    assert (asked(question).verified is not None) is same


def test_a_question_of_one_campaign_answers_for_another_that_is_named(business: Business) -> None:
    checked("Are people fond of Electric Dawn?", on("Electric Dawn", business.campaigns["Electric Dawn"]))
    answer = asked("Are people fond of Morning Ritual?")
    assert answer.verified and answer.query
    assert answer.query.filters[0].values == (business.campaigns["Morning Ritual"],)
    assert asked("Are people fond of Volt Motors?").verified is None


def test_a_query_that_no_longer_fits_the_model_answers_nobody(business: Business) -> None:
    checked("How healthy is the big screen last week?", HEALTH | {"measures": ["health"]})
    assert asked("How healthy is the big screen last week?").verified is None


@pytest.mark.parametrize("state", ["proposed", "rejected"])
def test_what_is_not_verified_answers_nobody(business: Business, state: str) -> None:
    row = checked("How healthy is the big screen last week?", HEALTH)
    VerifiedQuery.objects.filter(pk=row.pk).update(state=state)
    assert asked("How healthy is the big screen last week?").status == "refused"


def test_a_member_is_answered_over_their_own_rows_and_never_by_a_question_of_anothers(business: Business) -> None:
    checked("How healthy is the big screen last week?", HEALTH)
    checked("Are people fond of Electric Dawn?", on("Electric Dawn", business.campaigns["Electric Dawn"]), note="Volt Motors asked for it")
    refresh()
    harbor = Scope(advertiser=business.advertisers["Harbor Coffee"], groups=frozenset({"advertiser-member"}))
    volt = Scope(advertiser=business.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    own = asked("How healthy is the big screen last week?", harbor)
    assert own.verified
    assert own.params["p1"] == harbor.advertiser
    assert asked("Are people fond of Electric Dawn?", volt).verified
    for question in ("Are people fond of Electric Dawn?", "Are people fond of Morning Ritual?"):
        answer = asked(question, harbor)
        assert answer.verified is None
        assert "Volt" not in str(answer.full())
        assert "Electric Dawn" not in answer.text.replace(question.removesuffix("?").lower(), "")


def test_the_trace_shows_what_was_retrieved_and_why(business: Business) -> None:
    refresh()
    retrieved = asked("CTR by device last week").trace["retrieved"]
    assert {"measure:delivery.ctr", "dimension:device"} <= {hit["ref"] for hit in retrieved[:4]}
    assert all(hit["how"] in ("exact", "fuzzy", "vector", "verified") and hit["why"] for hit in retrieved)
