"""The decision endpoint, as other players and staff use it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from adplatform.eventlog import consumer, tokens
from ads.models import AdPolicy, Decision, LedgerEntry
from catalog.models import Title
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _ad() -> None:
    now = datetime.now(UTC)
    make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))


def ask(client: Client | None = None, **changes: Any) -> Any:
    body = {"session": str(uuid.uuid4()), "break_id": "b1", "duration": 30, "genres": ["drama"]} | changes
    return (client or Client()).post("/api/v1/decisions", body, content_type="application/json")


def test_a_player_is_told_what_to_play_and_its_impression_pixel_bills() -> None:
    answer = ask()
    assert answer.status_code == 200
    (ad,) = answer.json()["ads"]
    assert answer.json()["unfilled_seconds"] == 20
    assert Client().get(ad["tracking"]["impression"].removeprefix("http://testserver")).status_code == 200
    click = Client().get(ad["click"].removeprefix("http://testserver"))
    assert click["Location"] == "https://brand.example/"
    consumer.drain()
    assert LedgerEntry.objects.get().amount_micros == ad["price_micros"]


def test_a_break_of_a_title_with_a_policy_of_its_own_is_no_longer_and_holds_no_more_than_that_allows() -> None:
    now = datetime.now(UTC)
    for _ in range(2):
        make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    strict, free = (Title.objects.create(name=name, slug=name) for name in ("strict", "free"))
    AdPolicy.objects.create(title=strict, break_seconds=25, break_ads=1)
    asked: dict[str, Any] = {"duration": 90, "max_ads": 6}
    assert [len(ask(title=title.pk, **asked).json()["ads"]) for title in (strict, free)] == [1, 3]
    consumer.drain()
    bounds = {row.title: (row.request["duration"], row.request["max_ads"]) for row in Decision.objects.all()}
    assert bounds == {strict.pk: (25, 1), free.pk: (90, 6)}


def test_the_same_break_is_answered_the_same() -> None:
    session = str(uuid.uuid4())
    assert ask(session=session).json() == ask(session=session).json()


def test_a_session_token_names_session_viewer_and_title() -> None:
    token = tokens.SessionToken(session=uuid.uuid4(), viewer=uuid.uuid4(), title=7, expires=int(datetime.now(UTC).timestamp()) + 600)
    ask(session=None, session_token=tokens.sign(token), consent=True)
    consumer.drain()
    decision = Decision.objects.get()
    assert (decision.session, decision.viewer, decision.title) == (token.session, token.viewer, 7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"duration": 0}, "$.duration"),
        ({"device": "toaster"}, "$.device"),
        ({"session": None}, "name the playback session"),
        ({"session_token": "x"}, "unreadable_token"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_body_is_refused_saying_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    answer = ask(**changes)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_the_explanation_is_for_staff() -> None:
    assert ask(explain=True).status_code == 403
    staff = Client()
    staff.force_login(User.objects.create_superuser("staff"))
    explanation = ask(staff, explain=True).json()["explanation"]
    assert explanation["candidates"][0]["reason"] in ("won", "explored")


def test_an_address_may_not_ask_without_end(settings: Any) -> None:
    settings.DECISIONS_PER_MINUTE = 3
    session = str(uuid.uuid4())
    with time_machine.travel(datetime.now(UTC).replace(second=30), tick=False):
        assert [ask(session=session).status_code for _ in range(6)] == [200] * 6
        assert [ask().status_code for _ in range(4)] == [200, 200, 429, 429]


def test_a_named_session_never_shares_the_caps_and_breaks_of_a_real_playback_session() -> None:
    real = uuid.uuid4()
    token = tokens.SessionToken(session=real, viewer=None, title=7, expires=int(datetime.now(UTC).timestamp()) + 600)
    stranger = ask(session=str(real)).json()
    own = ask(session=None, session_token=tokens.sign(token)).json()
    assert own["decision"] != stranger["decision"]
    consumer.drain()
    assert Decision.objects.filter(session=real).count() == 1
    assert Decision.objects.count() == 2


def test_who_asked_is_kept_as_hashes_of_the_day_and_the_break_as_described() -> None:
    ask(maturity="PG", tags=["rain"], country="AT")
    consumer.drain()
    request = Decision.objects.get().request
    assert (request["maturity"], request["tags"], request["country"]) == ("PG", ["rain"], "AT")
    assert len(request["ip_hash"]) == 16
    assert "127.0.0.1" not in str(request)


def test_a_body_of_megabytes_is_too_large_and_not_wrong() -> None:
    answer = Client().post("/api/v1/decisions", "x" * 3_000_000, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["error"] == "body_too_large"
