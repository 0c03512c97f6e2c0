"""Links, pins and mails: one's own, answered anew, and only within what the reader may see."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.cache import cache
from django.db import connections
from django.test import Client

from ads.models import Advertiser, AdvertiserMember
from insights.chat.answering import Question, answered
from insights.desk import services
from insights.desk.mail import send_due
from insights.models import Message, Pin, ScheduledQuestion, SharedAnswer
from insights.semantic.access import scope_of
from tests.insights.business import HOSTILE, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


@pytest.fixture(autouse=True)
def _no_throttle() -> None:
    cache.clear()


def person(name: str, group: str = "executive") -> User:
    user = User.objects.create_user(name, email=f"{name}@example.org")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user


def member(name: str, advertiser: str) -> User:
    user = person(name, "advertiser-member")
    AdvertiserMember.objects.create(user=user, advertiser=Advertiser.objects.get(name=advertiser))
    return user


def answer(user: User, question: str) -> Message:
    scope = scope_of(user)
    assert scope is not None
    return Message.objects.get(pk=answered(user, scope, Question(question), now=NOW)["message"])


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@time_machine.travel(NOW, tick=False)
def test_a_link_is_answered_for_whoever_opens_it_and_never_beyond_what_they_may_see(business: Business) -> None:
    author, other, stranger = person("ann"), member("ben", "Volt Motors"), person("eve", "viewer")
    question = answer(author, "spend by campaign last week")
    shared = client_of(author).post(f"/api/v1/ask/{question.pk}/share", {}, "application/json").json()
    assert client_of(author).post(f"/api/v1/ask/{question.pk}/share", {}, "application/json").json()["token"] == shared["token"]
    mine = client_of(author).get(f"/api/v1/ask/shared/{shared['token']}").json()
    assert len(mine["rows"]) == 5
    theirs = client_of(other).get(f"/api/v1/ask/shared/{shared['token']}")
    assert [row[0] for row in theirs.json()["rows"]] == ["Electric Dawn"]
    assert b"Summer" not in theirs.content
    assert client_of(stranger).get(f"/api/v1/ask/shared/{shared['token']}").status_code == 403
    assert client_of(other).delete(f"/api/v1/ask/shared/{shared['token']}").status_code == 404
    assert client_of(author).delete(f"/api/v1/ask/shared/{shared['token']}").status_code == 204
    assert client_of(other).get(f"/api/v1/ask/shared/{shared['token']}").status_code == 404
    page = client_of(other).get(f"/insights/shared/{shared['token']}/")
    assert page.status_code == 404
    assert b"This link is over" in page.content


@pytest.mark.parametrize("page", ["/insights/board/", "/insights/shared/nothing/"])
def test_the_board_and_a_link_are_for_those_who_may_ask(page: str) -> None:
    assert Client().get(page).status_code == 302
    assert client_of(person("eve", "viewer")).get(page).status_code == 403
    assert client_of(person("ann")).get(page).status_code in (200, 404)


@time_machine.travel(NOW, tick=False)
def test_a_link_ends_by_itself(business: Business) -> None:
    author = person("ann")
    shared = services.answer_share(actor=author, message=answer(author, "spend last week"), now=NOW)
    with time_machine.travel(NOW + timedelta(days=31), tick=False):
        assert client_of(author).get(f"/insights/shared/{shared.token}/").status_code == 404


@time_machine.travel(NOW, tick=False)
def test_anothers_answer_and_what_is_no_answer_cannot_be_kept(business: Business) -> None:
    author, other = person("ann"), person("ben")
    question, refused = answer(author, "spend last week"), answer(author, "what will CTR be next year?")
    for kind, body in (("share", {}), ("pin", {}), ("schedule", {"every": "day"})):
        assert client_of(other).post(f"/api/v1/ask/{question.pk}/{kind}", body, "application/json").status_code == 404
        told = client_of(author).post(f"/api/v1/ask/{refused.pk}/{kind}", body, "application/json")
        assert told.status_code == 400
        assert "Only an answer with figures" in str(told.json())
    assert not SharedAnswer.objects.exists()
    assert not Pin.objects.exists()


@time_machine.travel(NOW, tick=False)
def test_a_pin_is_answered_anew_with_the_week_of_the_day(business: Business) -> None:
    author = person("ann")
    client = client_of(author)
    pin = client.post(f"/api/v1/ask/{answer(author, 'impressions last week').pk}/pin", {"title": "Week"}, "application/json").json()
    assert client.post(f"/api/v1/ask/{answer(author, 'impressions last week').pk}/pin", {}, "application/json").json()["id"] == pin["id"]
    before = client.get(f"/api/v1/ask/pins/{pin['id']}").json()
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        after = client.get(f"/api/v1/ask/pins/{pin['id']}").json()
    assert "2026-11-09 to 2026-11-15" in before["interpretation"]
    assert "2026-11-16 to 2026-11-22" in after["interpretation"]
    assert before["rows"] != after["rows"]
    assert client_of(person("ben")).get(f"/api/v1/ask/pins/{pin['id']}").status_code == 404
    page = client.get("/insights/board/").content.decode()
    assert "Week" in page


@time_machine.travel(NOW, tick=False)
def test_pins_are_moved_renamed_and_taken_off(business: Business) -> None:
    author = person("ann")
    client = client_of(author)
    pins = [
        services.answer_pin(actor=author, message=answer(author, f"{what} yesterday"), title="", now=NOW).pk for what in ("clicks", "spend", "CTR")
    ]
    assert client.patch(f"/api/v1/ask/pins/{pins[2]}", {"position": 0, "title": "Rate"}, "application/json").status_code == 204
    board = client.get("/api/v1/ask/pins").json()
    assert [one["id"] for one in board] == [pins[2], pins[0], pins[1]]
    assert board[0]["title"] == "Rate"
    assert client.delete(f"/api/v1/ask/pins/{pins[0]}").status_code == 204
    assert client.delete(f"/api/v1/ask/pins/{pins[0]}").status_code == 404


@time_machine.travel(NOW, tick=False)
def test_what_was_kept_and_fits_the_model_no_more_says_so(business: Business) -> None:
    author = person("ann")
    for query in ({"intent": "value", "cube": "gone", "measures": ["x"]}, {"nothing": 1}):
        pin = Pin.objects.create(user=author, title="Old", question=str(query), query=query, pinned_at=NOW)
        told = client_of(author).get(f"/api/v1/ask/pins/{pin.pk}").json()
        assert told["status"] == "refused"
        assert told["rows"] == []


def scheduled(user: User, question: str = "spend by campaign last week", **more: Any) -> ScheduledQuestion:
    made = services.answer_schedule(actor=user, message=answer(user, question), every="day", hour=7, now=NOW)
    ScheduledQuestion.objects.filter(pk=made.pk).update(next_at=NOW - timedelta(minutes=1), **more)
    return ScheduledQuestion.objects.get(pk=made.pk)


@time_machine.travel(NOW, tick=False)
def test_a_mail_has_the_figures_as_text_html_and_csv_and_names_are_only_text(business: Business) -> None:
    author = person("ann")
    one = scheduled(author)
    assert send_due(now=NOW) == 1
    assert send_due(now=NOW) == 0
    sent = mail.outbox[0]
    assert sent.to == ["ann@example.org"]
    assert isinstance(sent, mail.EmailMultiAlternatives)
    html = str(sent.alternatives[0][0])
    assert "Electric Dawn" in sent.body
    assert "&lt;img src=x" in html
    assert HOSTILE not in html
    assert "Electric Dawn" in str(sent.attachments[0])
    one.refresh_from_db()
    assert (one.last_sent_at, one.last_problem) == (NOW, "")
    assert one.next_at > NOW


@time_machine.travel(NOW, tick=False)
def test_a_member_gets_their_own_rows_by_mail(business: Business) -> None:
    scheduled(member("ben", "Volt Motors"))
    send_due(now=NOW)
    assert "Electric Dawn" in mail.outbox[0].body
    assert "Summer" not in str(mail.outbox[0].message())


@time_machine.travel(NOW, tick=False)
def test_who_lost_the_right_gets_no_more_mail_and_who_has_no_address_none_at_all(business: Business) -> None:
    author = person("ann")
    one = scheduled(author)
    author.groups.clear()
    assert send_due(now=NOW) == 0
    one.refresh_from_db()
    assert not one.active
    assert "no longer ask" in one.last_problem
    nameless = person("ben")
    nameless.email = ""
    with pytest.raises(services.CannotKeep, match="no e-mail address"):
        services.answer_schedule(actor=nameless, message=answer(nameless, "spend last week"), every="day", hour=7, now=NOW)


@time_machine.travel(NOW, tick=False)
def test_a_mail_server_that_is_away_is_told_on_the_schedule(business: Business, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    one = scheduled(person("ann"))
    assert send_due(now=NOW) == 0
    one.refresh_from_db()
    assert "could not be sent" in one.last_problem
    assert one.active


@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_one_mail_once() -> None:
    one = ScheduledQuestion.objects.create(
        user=person("ann"), question="spend", query={}, every="day", hour=7, next_at=NOW - timedelta(minutes=1), created_at=NOW
    )
    start, won = threading.Barrier(4), []

    def claim() -> None:
        start.wait()
        won.append(services.schedule_claim(one, now=NOW))
        connections.close_all()

    workers = [threading.Thread(target=claim) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(won) == [False, False, False, True]
