"""``GET /api/v1/vast``, as a standard player asks it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from adplatform.eventlog import consumer
from ads.models import AdEvent, Decision, LedgerEntry
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db(transaction=True)
NS = {"v": "http://www.iab.com/VAST"}
HOST = "http://testserver"


@pytest.fixture(autouse=True)
def _ad() -> None:
    now = datetime.now(UTC)
    make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))


def ask(**changes: Any) -> Any:
    return Client().get("/api/v1/vast", {"session": str(uuid.uuid4()), "break": "b1", "duration": "30"} | changes)


def parsed(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return etree.fromstring(answer.content)


def test_the_impression_of_the_document_bills_once() -> None:
    root = parsed(ask())
    (impression,) = root.findall(".//v:Impression", NS)
    for _ in range(3):
        assert Client().get(impression.text.removeprefix(HOST)).status_code == 200
    consumer.drain()
    assert LedgerEntry.objects.count() == 1


def test_a_break_that_nobody_bought_is_an_empty_document_with_an_error_url_that_works() -> None:
    root = parsed(ask(duration="1"))
    (error,) = root
    assert error.tag == f"{{{NS['v']}}}Error"
    Client().get(error.text.removeprefix(HOST).replace("[ERRORCODE]", "303"))
    consumer.drain()
    event = AdEvent.objects.get()
    assert (event.type, event.valid, event.data["code"], event.decision) == ("ad.break_error", True, 303, Decision.objects.get().pk)
