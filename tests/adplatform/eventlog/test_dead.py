"""A dead event that was repaired is stored like any other."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from adplatform.eventlog import consumer, handlers, stream
from adplatform.models import DeadEvent
from engagement.models import PlaybackEvent
from tests.adplatform.eventlog.conftest import make_event
from tests.adplatform.eventlog.handler import PlaybackHandler

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_dead(own_handler: PlaybackHandler, monkeypatch: pytest.MonkeyPatch) -> DeadEvent:
    """An event of a type that no handler takes, until the test registers one."""
    monkeypatch.setattr(handlers, "_handlers", {})
    stream.append([make_event(0)])
    consumer.drain()
    monkeypatch.setattr(handlers, "_handlers", {own_handler.name: own_handler})
    return DeadEvent.objects.get()


def test_a_repaired_event_is_sent_again_and_stored(one_dead: DeadEvent) -> None:
    said = StringIO()
    call_command("dead_events", "list", stdout=said)
    assert "1  no handler for playback.pause" in said.getvalue()
    call_command("dead_events", "retry", "--reason", "no handler", stdout=said)
    assert "1 events sent again" in said.getvalue()
    consumer.drain()
    assert PlaybackEvent.objects.count() == 1
    assert DeadEvent.objects.count() == 0


def test_only_the_chosen_ones_are_sent_again(one_dead: DeadEvent) -> None:
    call_command("dead_events", "retry", "--stream-id", "0-0", stdout=StringIO())
    assert DeadEvent.objects.count() == 1


def test_an_event_that_fails_again_comes_back(own_handler: PlaybackHandler) -> None:
    stream.append([make_event(0, data={"explode": "still"})])
    consumer.drain()
    call_command("dead_events", "retry", stdout=StringIO())
    consumer.drain()
    assert DeadEvent.objects.get().reason == "ValueError: still"


def test_in_the_admin_only_those_who_may_repair_send_again(one_dead: DeadEvent, client: Client) -> None:
    staff = User.objects.create_user("reader", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_deadevent"))
    client.force_login(staff)
    form = {"action": "send_again", "_selected_action": [one_dead.pk]}
    client.post("/admin/adplatform/deadevent/", form)
    assert DeadEvent.objects.count() == 1
    page = client.get(f"/admin/adplatform/deadevent/{one_dead.pk}/change/")
    assert "playback.pause" in page.content.decode()
    staff.user_permissions.add(Permission.objects.get(codename="change_deadevent"))
    client.post("/admin/adplatform/deadevent/", form)
    assert DeadEvent.objects.count() == 0
    assert LogEntry.objects.get().user == staff
    consumer.drain()
    assert PlaybackEvent.objects.count() == 1
