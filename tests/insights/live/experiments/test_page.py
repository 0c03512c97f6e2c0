"""Who sees the page on experiments and who may press its buttons; each press is done once, audited, and refused in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from adplatform.experiments import selectors
from adplatform.models import Experiment
from adplatform.permissions import AD_OPS, AD_OPS_LEAD, ADVERTISER_MEMBER, EDITOR, EXECUTIVE, READ_ONLY, VIEWER
from tests.adplatform.experiments.units import HALVES, NOW, running
from tests.insights.live.experiments.trial import looks, watched

pytestmark = pytest.mark.django_db
PAGE = "/live/experiments/"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    call_command("sync_groups", verbosity=0)
    yield
    selectors.forget()


def signed_in(group: str) -> Client:
    user = User.objects.create_user(f"someone-{group}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead() -> Client:
    return signed_in(AD_OPS_LEAD)


@pytest.mark.parametrize(
    ("group", "sees", "presses"),
    [
        (None, 302, 302), (VIEWER, 403, 403), (EDITOR, 403, 403), (ADVERTISER_MEMBER, 403, 403), (EXECUTIVE, 200, 403), (READ_ONLY, 200, 403),
        (AD_OPS, 200, 403), (AD_OPS_LEAD, 200, 302),
    ],
)  # fmt: skip
def test_who_sees_it_and_who_may_press_its_buttons(group: str | None, sees: int, presses: int) -> None:
    running()
    client = signed_in(group) if group else Client()
    assert {client.get(address).status_code for address in (PAGE, f"{PAGE}pacing/")} == {sees}
    assert client.get(f"{PAGE}pacing/ribbon.json").status_code == (401 if group is None else sees)
    pressed = {client.post(f"{PAGE}pacing/{button}/", {"seen": "running:"}).status_code for button in ("start", "roll-out", "take-back", "stop")}
    assert pressed == {presses}
    assert (Experiment.objects.get().state == "stopped") == (group == AD_OPS_LEAD)


def test_a_press_without_the_token_of_the_page_is_refused() -> None:
    running()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("admin"))
    assert strict.post(f"{PAGE}pacing/stop/", {"seen": "running:"}).status_code == 403


def test_a_draft_is_started_stopped_and_rolled_out_and_each_is_audited(lead: Client) -> None:
    Experiment.objects.create(key="pacing", arms=HALVES, metric="click_rate")
    presses = (
        ("start", {"seen": "draft:"}, "pacing runs."),
        ("stop", {"seen": "running:"}, "pacing is stopped."),
        ("roll-out", {"seen": "stopped:", "arm": "bolder"}, "pacing gives everybody bolder."),
        ("take-back", {"seen": "stopped:bolder"}, "pacing gives nobody an arm."),
    )
    for button, posted, said in presses:
        assert said in lead.post(f"{PAGE}pacing/{button}/", posted, follow=True).text
    told = [(entry.user.get_username(), entry.change_message) for entry in LogEntry.objects.order_by("pk")]
    words = ("draft -> running", "running -> stopped", "bolder for everybody", "no arm for anybody")
    assert told == [(f"someone-{AD_OPS_LEAD}", one) for one in words]


@pytest.mark.parametrize(
    ("button", "posted", "said"),
    [
        ("start", {"seen": "running:"}, "pacing is not draft"),
        ("stop", {"seen": "draft:"}, "pacing was started meanwhile; look at it again"),
        ("stop", {}, "look at it again"),
        ("roll-out", {"seen": "running:", "arm": "boldest"}, "it has control, bolder"),
        ("roll-out", {"seen": "running:"}, "it has control, bolder"),
        ("take-back", {"seen": "running:"}, "pacing gives nobody an arm already"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence_and_changes_nothing(lead: Client, button: str, posted: dict[str, str], said: str) -> None:
    running()
    answer = lead.post(f"{PAGE}pacing/{button}/", posted, follow=True)
    assert "Nothing was changed: " in answer.text
    assert said in answer.text
    assert Experiment.objects.filter(state="running", rolled_out="").exists()
    assert not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("button", "arm"), [("stop", ""), ("roll-out", "bolder")])
def test_of_two_clicks_at_once_one_is_done_and_audited(button: str, arm: str) -> None:
    running()
    clients = [Client(), Client()]
    for number, client in enumerate(clients):
        client.force_login(User.objects.create_superuser(f"admin-{number}"))
    together, said = threading.Barrier(2), []

    def press(client: Client) -> None:
        together.wait()
        said.append(client.post(f"{PAGE}pacing/{button}/", {"seen": "running:", "arm": arm}, follow=True).text)
        connection.close()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("Nothing was changed" in text for text in said) == [False, True]
    assert LogEntry.objects.count() == 1
    assert Experiment.objects.get().rolled_out == arm


def test_hostile_names_are_shown_as_text(lead: Client) -> None:
    arms = [{"name": "control", "share": 0.5}, {"name": HOSTILE, "share": 0.5}]
    experiment = running(key=HOSTILE, description=HOSTILE, arms=arms, metric="film_completion")
    address = f"{PAGE}{quote(HOSTILE, safe='')}/"
    shown = lead.get(address)
    assert shown.status_code == 200
    assert HOSTILE not in shown.text
    assert HOSTILE not in lead.post(f"{address}roll-out/", {"seen": "running:", "arm": HOSTILE}, follow=True).text
    experiment.refresh_from_db()
    assert experiment.rolled_out == HOSTILE


def test_what_no_address_can_name_is_not_there(lead: Client) -> None:
    running()
    assert lead.get(f"{PAGE}nothing/").status_code == 404
    assert lead.get(f"{PAGE}{'a' * 61}/").status_code == 404
    assert lead.post(f"{PAGE}nothing/stop/", {"seen": "running:"}).status_code == 404
    refused = lead.get(f"{PAGE}pacing/ribbon.json", {"metric": "glee"})
    assert refused.status_code == 400
    assert "there is no metric 'glee'" in refused.json()["reason"]


def test_a_ribbon_is_fetched_by_experiment_and_metric(lead: Client) -> None:
    looks(watched(), until=NOW)
    found = lead.get(f"{PAGE}pacing/ribbon.json", {"metric": "film_completion"}).json()
    assert [arm["name"] for arm in found["arms"]] == ["bolder"]
    assert len(found["arms"][0]["at"]) == 4
    assert lead.get(f"{PAGE}pacing/ribbon.json").json() == found
