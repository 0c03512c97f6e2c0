"""Ad-ops staff at work: forms that speak their language, actions that say what they did, lists that stay quick."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from ads import services
from ads.models import Flight
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("planner")


@pytest.fixture
def client(staff: User) -> Client:
    signed_in = Client()
    signed_in.force_login(staff)
    return signed_in


def act(client: Client, model: str, action: str, *rows: Any, **more: str) -> list[str]:
    data = {**more, "action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post(reverse(f"admin:ads_{model}_changelist"), data)
    return [str(message) for message in get_messages(answer.wsgi_request)][-1:]


def test_pausing_stops_serving_at_once_is_confirmed_and_audited(client: Client) -> None:
    ad = make_ad()
    assert serve_break(make_request(), now=NOW).ads
    assert "1 flight paused" in act(client, "flight", "pause", ad.flight)[0]
    assert not serve_break(make_request(), now=NOW).ads
    assert "is paused; only live can be paused" in act(client, "flight", "pause", ad.flight)[0]
    act(client, "flight", "resume", ad.flight)
    assert serve_break(make_request(), now=NOW).ads
    assert [row.history_change_reason for row in ad.flight.history.all()[:2]] == ["Resumed", "Paused"]
    assert {row.history_user.username for row in ad.flight.history.all()[:2]} == {"planner"}


def test_a_paused_campaign_and_a_rejected_ad_do_not_serve(client: Client) -> None:
    ad = make_ad()
    act(client, "campaign", "pause", ad.flight.campaign)
    assert not serve_break(make_request(), now=NOW).ads
    act(client, "campaign", "resume", ad.flight.campaign)
    assert "Say in a note why" in act(client, "ad", "reject", ad)[0]
    act(client, "ad", "reject", ad, note="Too loud")
    assert not serve_break(make_request(), now=NOW).ads
    act(client, "ad", "approve", ad)
    assert serve_break(make_request(), now=NOW).ads


def test_an_ad_whose_clip_is_not_ready_does_not_serve() -> None:
    ad = make_ad()
    ad.asset.state = "broken"
    ad.asset.save()
    assert not serve_break(make_request(), now=NOW).ads


def test_a_draft_without_an_approved_ad_is_not_launched(staff: User) -> None:
    ad = make_ad(state=Flight.State.DRAFT)
    services.ad_reject(actor=staff, ad=ad, note="Too loud")
    with pytest.raises(services.WrongState, match="no approved ad"):
        services.flight_launch(actor=staff, flight=ad.flight, now=NOW)
    services.ad_approve(actor=staff, ad=ad)
    assert services.flight_launch(actor=staff, flight=ad.flight, now=NOW).state == Flight.State.LIVE


def test_flights_whose_dates_are_over_are_ended_by_the_system_once() -> None:
    over, running = make_ad(ends_at=NOW - timedelta(seconds=1)), make_ad()
    assert {ad.flight for ad in serve_break(make_request(), now=NOW).ads} == {running.flight_id}
    assert services.flights_expire(now=NOW) == 1
    assert services.flights_expire(now=NOW) == 0
    over.flight.refresh_from_db()
    assert over.flight.state == Flight.State.ENDED
    last = over.flight.history.first()
    assert (last.history_user, last.history_change_reason) == (None, "Ended by the system: its last day is over")
    running.flight.refresh_from_db()
    assert running.flight.state == Flight.State.LIVE
