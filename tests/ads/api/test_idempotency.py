"""A write that is sent again with its key happens once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client

from ads.api import idempotency
from ads.models import Advertiser, IdempotentRequest

from ..inventory import make_ad
from .staff import patch, post, superuser

ACME = {"name": "Acme", "category": "travel"}


@pytest.mark.django_db
def test_the_same_write_with_its_key_is_answered_again_and_not_done_again() -> None:
    client = superuser()
    first, again = (post(client, "advertisers", ACME, Idempotency_Key="k1") for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert (again["Idempotency-Replayed"], again["ETag"], again["Location"]) == ("true", first["ETag"], first["Location"])
    assert "Idempotency-Replayed" not in first.headers
    assert Advertiser.objects.count() == 1
    number = first.json()["id"]
    gone, still_gone = (client.delete(f"/api/v1/advertisers/{number}", headers={"Idempotency-Key": "k2"}) for _ in range(2))
    assert (gone.status_code, still_gone.status_code, still_gone["Idempotency-Replayed"]) == (204, 204, "true")


@pytest.mark.django_db
def test_a_key_stands_for_one_request_of_one_person() -> None:
    client = superuser()
    assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 201
    other_body, other_place = (
        post(client, "advertisers", ACME | {"name": "B"}, Idempotency_Key="k"),
        post(client, "campaigns", ACME, Idempotency_Key="k"),
    )
    assert (other_body.status_code, other_place.status_code) == (422, 422)
    assert other_body.json()["type"] == "/api/problems/key-reused"
    somebody_else = Client()
    somebody_else.force_login(User.objects.create_superuser("else"))
    assert post(somebody_else, "advertisers", ACME | {"name": "C"}, Idempotency_Key="k").status_code == 201
    assert post(client, "advertisers", ACME, Idempotency_Key="x" * 129).json()["errors"]["Idempotency-Key"]


@pytest.mark.django_db
def test_a_refusal_for_good_is_kept_and_one_that_may_pass_is_tried_again() -> None:
    client, ad = superuser(), make_ad()
    wrong = [patch(client, f"flights/{ad.flight_id}", {"priority": 99}, Idempotency_Key="wrong") for _ in range(2)]
    assert [answer.status_code for answer in wrong] == [400, 400]
    assert wrong[1]["Idempotency-Replayed"] == "true"
    assert wrong[1]["Content-Type"] == "application/problem+json"
    assert post(client, f"flights/{ad.flight_id}/resume", Idempotency_Key="later").status_code == 409
    post(client, f"flights/{ad.flight_id}/pause")
    resumed = post(client, f"flights/{ad.flight_id}/resume", Idempotency_Key="later")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "live")


@pytest.mark.django_db
def test_a_fault_of_ours_keeps_no_answer_and_nothing_of_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    client = superuser()
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("ads.api.rows.etag_of", lambda row: 1 / 0)
        assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 500
    assert not Advertiser.objects.exists()
    assert IdempotentRequest.objects.get().status is None
    assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 201


@pytest.mark.django_db
def test_answers_are_kept_for_a_day() -> None:
    client, now = superuser(), datetime.now(UTC)
    assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 201
    assert idempotency.forget(now=now + timedelta(hours=23)) == 0
    with time_machine.travel(now + timedelta(hours=25), tick=False):
        assert post(client, "advertisers", ACME | {"name": "B"}, Idempotency_Key="k").status_code == 201
    assert idempotency.forget(now=now + timedelta(hours=60)) == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_posts_at_once_make_one_row_and_one_answer() -> None:
    client = superuser()
    start, answers = threading.Barrier(20), []

    def send() -> None:
        own = Client()
        own.cookies = client.cookies
        start.wait()
        try:
            answers.append(post(own, "advertisers", ACME, Idempotency_Key="k"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Counter(answer.status_code for answer in answers)
    assert set(told) <= {201, 409}
    assert told[201] >= 1
    assert Advertiser.objects.count() == 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all(answer["Retry-After"] == "1" for answer in answers if answer.status_code == 409)
    assert post(client, "advertisers", ACME, Idempotency_Key="k")["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_a_key_is_locked_while_its_first_request_works_and_free_when_that_died() -> None:
    client = superuser()
    assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 201
    # As a crash between claim and answer leaves it: the row without an answer, and nothing written.
    Advertiser.objects.all().delete()
    IdempotentRequest.objects.update(status=None, body="")
    holds, die = threading.Event(), threading.Event()

    def first() -> None:
        connection.set_autocommit(False)
        IdempotentRequest.objects.select_for_update().get()
        holds.set()
        die.wait(20)
        # A process that dies commits nothing and says nothing.
        connections.close_all()

    worker = threading.Thread(target=first)
    worker.start()
    assert holds.wait(20)
    busy = post(client, "advertisers", ACME, Idempotency_Key="k")
    assert (busy.status_code, busy.json()["type"]) == (409, "/api/problems/in-progress")
    die.set()
    worker.join()
    assert post(client, "advertisers", ACME, Idempotency_Key="k").status_code == 201
    assert IdempotentRequest.objects.get().status == 201
