"""Decisions as staff read them: found without counting, explained, followed to their charges, and made again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from adplatform.eventlog import consumer
from ads.models import Ad, Decision

from ..inventory import make_ad
from .staff import member_of, post, superuser

pytestmark = pytest.mark.django_db(transaction=True)


def decide(**changes: Any) -> dict[str, Any]:
    body = {"session": str(uuid.uuid4()), "break_id": "b1", "duration": 30, "max_ads": 1} | changes
    answer: dict[str, Any] = Client().post("/api/v1/decisions", body, content_type="application/json").json()
    return answer


@pytest.fixture
def ad() -> Ad:
    now = datetime.now(UTC)
    return make_ad(advertiser="Acme", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/decisions{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_a_decision_is_read_with_its_explanation_its_charges_and_its_replay(ad: Ad) -> None:
    client, made = superuser(), decide()
    Client().get(made["ads"][0]["tracking"]["impression"].removeprefix("http://testserver"))
    consumer.drain()
    path = f"/api/v1/decisions/{made['decision']}"
    told = client.get(path).json()
    assert (told["slots"][0]["ad"], told["eligible"], told["explanation"]["candidates"][0]["reason"] in ("won", "explored")) == (ad.pk, 1, True)
    assert "state" not in told
    followed = client.get(f"{path}/events").json()
    assert [event["type"] for event in followed["events"]] == ["ad.impression"]
    assert followed["charges"][0]["amount"] == told["slots"][0]["price"]
    again = post(client, f"decisions/{made['decision']}/replay").json()
    assert (again["same"], again["differences"]) == (True, [])
    assert client.get(f"/api/v1/decisions/{uuid.uuid4()}").status_code == 404
    assert client.get("/api/v1/decisions/none").json()["type"] == "/api/problems/not-found"


def test_pages_go_on_where_the_last_one_stopped_and_filters_narrow(ad: Ad) -> None:
    client = superuser()
    made = [decide(session=str(number), break_id=f"b{number}")["decision"] for number in map(uuid.UUID, (f"{n:032x}" for n in range(5)))]
    consumer.drain()
    seen, address = [], "/api/v1/decisions?page_size=2"
    while address:
        page = client.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert sorted(seen) == sorted(made)
    session = Decision.objects.get(pk=made[0]).session
    assert listed(client, f"?session={session}") == [made[0]]
    assert len(listed(client, f"?ad={ad.pk}&flight={ad.flight_id}&served=true")) == 5
    assert listed(client, "?flight=999999") == listed(client, "?served=false") == listed(client, "?title=1") == []
    assert listed(client, f"?until={(datetime.now(UTC) - timedelta(hours=1)).date()}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("since=40d", "since"), ("since=soon", "since"), ("until=1999-01-01", "until"), ("session=x", "session"), ("flight=0", "flight"),
     ("served=yes", "served"), ("cursor=x", "cursor"), ("page_size=201", "page_size"), ("colour=red", "colour")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(query: str, field: str) -> None:
    answer = superuser().get(f"/api/v1/decisions?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_decisions_hold_everybodys_ads_and_are_not_for_the_people_of_one_advertiser(ad: Ad) -> None:
    made = decide()
    consumer.drain()
    member = member_of(ad.flight.campaign.advertiser, "view_decision")
    assert listed(member) == []
    assert member.get(f"/api/v1/decisions/{made['decision']}").status_code == 404
    assert post(member, f"decisions/{made['decision']}/replay").status_code == 404
    assert Client().get("/api/v1/decisions").status_code == 401
