"""Experiments in the admin: made as drafts, frozen once they run, read and rolled out by buttons that ask first."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from adplatform import permissions
from adplatform.experiments.assignment import parse_arms
from adplatform.experiments.plot import HEIGHT, MOST_POINTS, WIDTH, Point, sequence_svg, thinned
from adplatform.models import Experiment, ExperimentReading
from tests.adplatform.experiments.units import HALVES, NOW, START, expose, running

pytestmark = pytest.mark.django_db
LIST = "/admin/adplatform/experiment/"


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("lead"))
    return client


def button(experiment: Experiment, name: str) -> str:
    return reverse(f"admin:adplatform_experiment_{name}", args=[experiment.pk])


def test_what_is_wrong_with_a_draft_is_said_where_it_is_typed(lead: Client) -> None:
    form = {"key": "pacing", "description": "", "alpha": "0.05", "metric": "click_rate", "metrics": ["rating"], "guardrails": "[]"}
    shown = lead.post(f"{LIST}add/", form | {"arms": json.dumps([{"name": "a", "share": 2}]), "guardrails": '[{"metric": "joy", "worst": 0.1}]'})
    assert "at least one other arm" in shown.content.decode()
    assert "there is no metric &#x27;joy&#x27;; there are ad_completion" in shown.content.decode()
    assert lead.post(f"{LIST}add/", form | {"arms": json.dumps(HALVES)}).status_code == 302
    made = Experiment.objects.get()
    assert (made.arms, made.metric, made.metrics, made.guardrails) == (HALVES, "click_rate", ["rating"], [])


@pytest.mark.parametrize("field", ["arms", "guardrails"])
@pytest.mark.parametrize(
    "typed",
    ["[" * 2_000, f"[{'9' * 5_000}]", r'[{"name": "\u0000", "share": 0.5}, {"name": "b", "share": 0.5}]', r'[{"metric": "\ud800", "worst": 0}]'],
)
def test_whatever_is_typed_as_json_is_answered_in_words(lead: Client, field: str, typed: str) -> None:
    form = {"key": "pacing", "description": "", "alpha": "0.05", "metric": "", "metrics": [], "guardrails": "[]", "arms": json.dumps(HALVES)}
    shown = lead.post(f"{LIST}add/", form | {field: typed})
    assert shown.status_code == 200
    assert shown.context["adminform"].form.errors.keys() == {field}
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("name", ["\0", "a\nb", "\ud800"])
def test_the_name_of_an_arm_is_text_that_can_be_stored_and_shown(name: str) -> None:
    with pytest.raises(ValueError, match="must be plain text"):
        parse_arms([{"name": name, "share": 0.5}, {"name": "b", "share": 0.5}])


def test_a_running_experiment_keeps_what_it_was_started_with_and_cannot_be_deleted(lead: Client) -> None:
    experiment = Experiment.objects.create(key="pacing", metric="click_rate", arms=HALVES)
    lead.post(LIST, {"action": "start", "_selected_action": [experiment.pk]})
    experiment.refresh_from_db()
    assert experiment.state == "running"
    assert experiment.started_at is not None
    shown = lead.get(f"{LIST}{experiment.pk}/change/").content.decode()
    assert not any(f'name="{frozen}"' in shown for frozen in ("arms", "metric", "metrics", "guardrails", "alpha"))
    lead.post(f"{LIST}{experiment.pk}/change/", {"description": "What it is about", "assignments-TOTAL_FORMS": 0, "assignments-INITIAL_FORMS": 0})
    experiment.refresh_from_db()
    assert (experiment.description, experiment.arms) == ("What it is about", HALVES)
    assert lead.post(f"{LIST}{experiment.pk}/delete/", {"post": "yes"}).status_code == 403
    lead.post(LIST, {"action": "start", "_selected_action": [experiment.pk]})
    lead.post(LIST, {"action": "stop", "_selected_action": [experiment.pk]})
    experiment.refresh_from_db()
    assert experiment.state == "stopped"


def test_a_button_asks_before_it_changes_anything(lead: Client) -> None:
    experiment = running()
    for name in ("read_now", "stop_one", "roll_out"):
        assert lead.get(button(experiment, name)).status_code == 200
    assert lead.post(button(experiment, "start_one")).status_code == 403
    assert lead.get(button(Experiment.objects.create(key="draft", arms=HALVES), "start_one")).status_code == 200
    experiment.refresh_from_db()
    assert (experiment.state, experiment.rolled_out, ExperimentReading.objects.count()) == ("running", "", 0)


def test_buttons_read_roll_out_and_take_back_and_each_is_audited(lead: Client) -> None:
    experiment = running(started_at=datetime.now(UTC) - timedelta(minutes=1))
    assert "not enough evidence yet" in lead.post(button(experiment, "read_now"), follow=True).content.decode()
    assert "has no arm" in lead.post(button(experiment, "roll_out"), {"arm": "boldest"}, follow=True).content.decode()
    assert "gives everybody bolder" in lead.post(button(experiment, "roll_out"), {"arm": "bolder"}, follow=True).content.decode()
    lead.post(button(experiment, "roll_out"), {"arm": ""})
    assert lead.post(button(experiment, "stop_one")).status_code == 403
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["bolder for everybody", "no arm for anybody"]


def test_whoever_may_only_look_has_no_buttons(client: Client) -> None:
    call_command("sync_groups", verbosity=0)
    looker = User.objects.create_user("looker", is_staff=True)
    looker.groups.add(Group.objects.get(name=permissions.READ_ONLY))
    client.force_login(looker)
    experiment = running()
    assert client.get(f"{LIST}{experiment.pk}/change/").status_code == 200
    for name in ("read_now", "start_one", "stop_one", "roll_out"):
        assert client.post(button(experiment, name)).status_code == 403


@pytest.mark.parametrize("address", ["abc/read/", "abc/start/", "2/roll-out/change/", f"{'9' * 30}/stop/"])
def test_an_address_that_names_no_experiment_is_no_fault_of_ours(lead: Client, address: str) -> None:
    assert lead.get(f"{LIST}{address}").status_code in {302, 403, 404}


def test_the_page_shows_the_last_look_and_draws_every_sequence(lead: Client) -> None:
    experiment = running(verdict="bolder: better by 3.1 % [1.2, 5.0]", alarm="Joy was lost")
    expose(experiment, ["control"])
    for hours in range(3):
        ExperimentReading.objects.create(
            experiment=experiment, at=NOW + timedelta(hours=hours), metric="click_rate", arm="bolder", units=9, control_units=8,
            mean=0.2, control_mean=0.1, effect=0.1, low=0.1 - 0.3 / (hours + 1), high=0.4, verdict="not_yet", words=f"look {hours}",
        )  # fmt: skip
    shown = lead.get(f"{LIST}{experiment.pk}/change/").content.decode()
    assert "look 2" in shown
    assert "look 1" not in shown
    assert "Joy was lost" in shown
    assert shown.count('<svg class="sequence"') == 1
    assert "style=" not in shown[shown.index('<svg class="sequence"') : shown.index("</svg>", shown.index('<svg class="sequence"'))]


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.001, 50)), max_size=600))
def test_whatever_was_read_is_drawn_within_the_frame(looks: list[tuple[float, float]]) -> None:
    points = [Point(START + timedelta(minutes=number), effect, effect - half, effect + half) for number, (effect, half) in enumerate(looks)]
    drawn = sequence_svg(points, label="Joy", unit="smiles")
    assert (drawn == "-") == (not points)
    shown = thinned(points)
    assert len(shown) <= MOST_POINTS
    assert not points or (shown[0], shown[-1]) == (points[0], points[-1])
    for pairs in re.findall(r'points="([^"]*)"', str(drawn)):
        for pair in pairs.split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
