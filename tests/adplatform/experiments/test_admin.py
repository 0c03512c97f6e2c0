"""Experiments in the admin: made as drafts, frozen once they run."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adplatform.models import Experiment

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("lead"))
    return client


def test_arms_that_cannot_be_assigned_are_refused_where_they_are_typed(lead: Client) -> None:
    form = {"key": "pacing", "description": "", "assignments-TOTAL_FORMS": 0, "assignments-INITIAL_FORMS": 0}
    page = lead.post("/admin/adplatform/experiment/add/", form | {"arms": json.dumps([{"name": "a", "share": 2}])})
    assert "at least one other arm" in page.content.decode()
    arms = [{"name": "control", "share": 0.5}, {"name": "bolder", "share": 0.5}]
    assert lead.post("/admin/adplatform/experiment/add/", form | {"arms": json.dumps(arms)}).status_code == 302
    assert Experiment.objects.get().arms == arms


def test_a_running_experiment_keeps_its_arms_and_cannot_be_deleted(lead: Client) -> None:
    experiment = Experiment.objects.create(key="pacing", arms=[{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}])
    lead.post("/admin/adplatform/experiment/", {"action": "start", "_selected_action": [experiment.pk]})
    experiment.refresh_from_db()
    assert experiment.state == "running"
    assert experiment.started_at is not None
    assert 'name="arms"' not in lead.get(f"/admin/adplatform/experiment/{experiment.pk}/change/").content.decode()
    assert lead.post(f"/admin/adplatform/experiment/{experiment.pk}/delete/", {"post": "yes"}).status_code == 403
    lead.post("/admin/adplatform/experiment/", {"action": "start", "_selected_action": [experiment.pk]})
    lead.post("/admin/adplatform/experiment/", {"action": "stop", "_selected_action": [experiment.pk]})
    experiment.refresh_from_db()
    assert experiment.state == "stopped"
