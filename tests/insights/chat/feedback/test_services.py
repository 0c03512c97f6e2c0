"""From a thumb to a verified question: who may say what, what is kept, and that each step is done once and audited."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.test import Client

from insights.chat.feedback import services as feedback
from insights.chat.verified import services as verified
from insights.models import Conversation, Feedback, Message, VerifiedQuery
from tests.insights.business import NOW

pytestmark = pytest.mark.django_db
CTR: dict[str, Any] = {"intent": "value", "cube": "delivery", "measures": ["ctr"]}


def person(name: str, group: str = "executive", *rights: str) -> User:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def lead() -> User:
    return person("lead", "ad-ops-lead", "verify_verifiedquery", "change_feedback")


def answered(user: User, question: str = "CTR by far", query: dict[str, Any] | None = CTR) -> Message:
    into = Conversation.objects.create(user=user)
    return Message.objects.create(
        conversation=into, question=question, asked_at=NOW, status="answered" if query else "refused", query=query, answer={}
    )


def told(row: Any) -> list[str]:
    return list(LogEntry.objects.filter(object_id=row.pk).order_by("pk").values_list("change_message", flat=True))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(path, json.dumps(body or {}), content_type="application/json")


def test_a_thumb_is_kept_once_and_given_again_takes_the_place_of_the_first() -> None:
    user = person("one")
    message = answered(user)
    client = client_of(user)
    path = f"/api/v1/ask/{message.pk}/feedback"
    assert post(client, path, {"good": False, "reason": "misread", "comment": "I asked by device"}).json() == {
        "good": False, "reason": "misread", "comment": "I asked by device",
    }  # fmt: skip
    given = Feedback.objects.get()
    feedback.feedback_done(actor=lead(), feedback=given, outcome="added a synonym")
    assert post(client, path, {"good": True}).status_code == 200
    given.refresh_from_db()
    assert (given.good, given.reason, given.state, given.outcome) == (True, "", "open", "")
    assert told(given) == ["found it bad: it answered another question", "done: added a synonym", "found it good"]


@pytest.mark.parametrize("body", [{}, {"good": "perhaps"}, {"good": False, "reason": "weather"}, {"good": False, "comment": "x" * 501}, []])
def test_what_says_neither_good_nor_bad_is_a_400(body: Any) -> None:
    user = person("one")
    assert client_of(user).post(f"/api/v1/ask/{answered(user).pk}/feedback", json.dumps(body), content_type="application/json").status_code == 400


def test_nobody_judges_or_proposes_the_answer_of_another() -> None:
    message = answered(person("one"))
    other = person("two")
    assert post(client_of(other), f"/api/v1/ask/{message.pk}/feedback", {"good": True}).status_code == 404
    assert post(client_of(other), f"/api/v1/ask/{message.pk}/propose").status_code == 404
    with pytest.raises(PermissionDenied):
        feedback.feedback_give(actor=other, message=message, good=True, now=NOW)
    with pytest.raises(PermissionDenied):
        verified.verified_propose(actor=other, message=message)
    assert not Feedback.objects.exists()


def test_feedback_is_seen_to_once_by_those_who_may_and_with_an_outcome() -> None:
    user, staff = person("one"), lead()
    given = feedback.feedback_give(actor=user, message=answered(user), good=False, now=NOW)
    with pytest.raises(PermissionDenied):
        feedback.feedback_done(actor=user, feedback=given, outcome="nothing")
    with pytest.raises(feedback.Refused, match="what was done"):
        feedback.feedback_done(actor=staff, feedback=given, outcome=" ")
    assert feedback.feedback_done(actor=staff, feedback=given, outcome="explained").outcome == "explained"
    with pytest.raises(feedback.Refused, match="already"):
        feedback.feedback_done(actor=staff, feedback=given, outcome="again")


def test_an_answer_is_proposed_once_verified_and_rejected_with_each_step_audited() -> None:
    user, staff = person("one"), lead()
    message = answered(user)
    first = post(client_of(user), f"/api/v1/ask/{message.pk}/propose").json()
    assert post(client_of(user), f"/api/v1/ask/{message.pk}/propose").json() == first
    row = VerifiedQuery.objects.get()
    assert (row.state, row.proposed_by) == ("proposed", user)
    with pytest.raises(PermissionDenied):
        verified.verified_verify(actor=user, verified=row, now=NOW)
    verified.verified_verify(actor=staff, verified=row, now=NOW)
    with pytest.raises(verified.Refused, match="already"):
        verified.verified_verify(actor=staff, verified=row, now=NOW)
    assert post(client_of(user), f"/api/v1/ask/{message.pk}/propose").status_code == 400
    verified.verified_reject(actor=staff, verified=row, note="the wrong figure")
    assert row.verified_by is None
    assert verified.verified_propose(actor=user, message=message).state == "proposed"
    assert told(row) == [f"proposed from answer {message.pk}", "verified", "rejected: the wrong figure", f"proposed again from answer {message.pk}"]


@pytest.mark.parametrize(
    ("question", "query", "says"),
    [
        ("CTR", None, "answered"),
        ("x" * 301, CTR, "too long"),
        ("and by device?", CTR, "in full"),
        ("what about last month", CTR, "in full"),
    ],
)
def test_what_cannot_stand_alone_is_not_proposed(question: str, query: dict[str, Any] | None, says: str) -> None:
    user = person("one")
    with pytest.raises(verified.Refused, match=says):
        verified.verified_propose(actor=user, message=answered(user, question, query))


def test_somebody_of_an_advertiser_proposes_nothing() -> None:
    user = person("one", "advertiser-member")
    with pytest.raises(PermissionDenied):
        verified.verified_propose(actor=user, message=answered(user))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"query": CTR | {"measures": ["wealth"]}}, "no measure wealth"),
        ({"query": {"intent": "value"}}, "needs a cube"),
        ({"query": "SELECT 1"}, "no semantic query"),
        ({"query": CTR | {"period": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-08T00:00:00Z", "label": "that week"}}}, "names no period"),
        ({"phrasings": ["x" * 301]}, "characters"),
        ({"phrasings": ["Please, what is the click rate of it all?"]}, "same words"),
    ],
)
def test_a_question_whose_query_does_not_fit_or_whose_words_are_anothers_is_not_kept(changes: dict[str, Any], says: str) -> None:
    staff = lead()
    VerifiedQuery.objects.create(question="The click rate of it all", query=CTR, state="verified")
    row = VerifiedQuery.objects.create(question="How fond are people of our ads?", query=CTR)
    with pytest.raises(verified.Refused, match=says):
        verified.verified_edit(actor=staff, verified=row, now=NOW, **{"question": row.question, "phrasings": [], "query": CTR, "note": ""} | changes)
    row.refresh_from_db()
    assert (row.query, row.phrasings) == (CTR, [])


def test_who_edits_a_verified_question_has_checked_it() -> None:
    staff = lead()
    row = VerifiedQuery.objects.create(
        question="How fond are people of our ads?", query=CTR, state="verified", verified_by=person("other"), verified_at=NOW
    )
    verified.verified_edit(
        actor=staff, verified=row, now=NOW, question=row.question, phrasings=[" Do people like our ads? ", ""], query=CTR, note="By clicks."
    )
    assert (row.verified_by, row.phrasings, row.note) == (staff, ["Do people like our ads?"], "By clicks.")
