"""Models in the admin: seen by those who may look, promoted and trained by those who may change them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from adplatform.learning import registry
from adplatform.models import ModelVersion

from .test_registry import make_version

LIST = "admin:adplatform_modelversion_changelist"
pytestmark = pytest.mark.django_db


def client_with(*rights: str) -> Client:
    user = User.objects.create_user("lead", password="correct horse battery", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead() -> Client:
    return client_with("view_modelversion", "change_modelversion", "view_trainingrun")


@pytest.fixture
def version() -> ModelVersion:
    version = make_version(0.1)
    version.metrics = {"auc": {"value": 0.71, "baseline": 0.5, "ci_low": 0.68, "ci_high": None}}
    version.gates = [{"name": "calibration", "verdict": "not_enough_evidence", "words": "predicted over observed is 1.1", "figures": {}}]
    version.verdict = "Refused: not enough evidence."
    version.parameters = {"importance": {"hour": 0.1, "ad_click_rate": 0.9}}
    version.save()
    return version


def test_the_list_and_a_version_show_figures_and_gates_in_words(lead: Client, version: ModelVersion) -> None:
    assert "ctr v1" in lead.get(reverse(LIST)).text
    page = lead.get(reverse("admin:adplatform_modelversion_change", args=[version.pk])).text
    for words in ("0.7100", "0.6800", "Not enough evidence", "predicted over observed is 1.1", "ad click rate"):
        assert words in page
    assert page.index("ad click rate") < page.index("hour")


@pytest.mark.parametrize("page", ["card", "promote", "shadow", "canary"])
@pytest.mark.parametrize("row", ["abc", "0", "9" * 30])
def test_an_address_that_names_no_version_is_not_found(lead: Client, version: ModelVersion, page: str, row: str) -> None:
    assert lead.get(reverse(f"admin:adplatform_modelversion_{page}", args=[version.pk]).replace(f"/{version.pk}/", f"/{row}/")).status_code == 404


def test_promoting_asks_first_and_is_audited(lead: Client, version: ModelVersion) -> None:
    address = reverse("admin:adplatform_modelversion_promote", args=[version.pk])
    assert "Refused: not enough evidence." in lead.get(address).text
    assert registry.champion_row("ctr") is None
    lead.post(address)
    assert registry.champion_row("ctr") == version
    assert LogEntry.objects.get().change_message == "promoted by hand"
    page = lead.get(reverse("admin:adplatform_modelversion_change", args=[version.pk])).text
    assert "Promoted by hand by lead, who overruled its gates. Gates that it did not pass: calibration (not enough evidence): predicted over" in page


def test_a_champion_that_cannot_be_loaded_is_told_on_its_row_and_its_page(lead: Client, version: ModelVersion) -> None:
    registry.promote(version)
    addresses = reverse(LIST), reverse("admin:adplatform_modelversion_change", args=[version.pk])
    assert not any("CANNOT BE LOADED" in lead.get(address).text for address in addresses)
    (Path(settings.MODELS_DIR) / version.artifact).write_bytes(b"damaged")
    for address in addresses:
        page = lead.get(address).text
        assert "CANNOT BE LOADED: the artifact of ctr v1 (prior) changed" in page
        assert "manage.py train ctr --estimator prior" in page


def test_a_version_without_an_artifact_stays_where_it_is(lead: Client) -> None:
    version = registry.register(kind="ctr", estimator="prior")
    page = lead.post(reverse("admin:adplatform_modelversion_promote", args=[version.pk]), follow=True)
    assert "has no artifact" in page.text


def test_rolling_back_serves_the_previous_model(lead: Client) -> None:
    first, second = make_version(0.1), make_version(0.2)
    registry.promote(first)
    registry.promote(second)
    lead.post(reverse(LIST), {"action": "roll_back", "_selected_action": [second.pk]})
    assert registry.champion_row("ctr") == first
    page = lead.post(
        reverse(LIST), {"action": "roll_back", "_selected_action": [registry.register(kind="director", estimator="prior").pk]}, follow=True
    )
    assert "there is no previous director model" in page.text


def test_the_train_button_queues_a_run(lead: Client, django_capture_on_commit_callbacks: Any) -> None:
    address = reverse("admin:adplatform_modelversion_train")
    assert "random forest" in lead.get(address).text
    page = lead.post(address, {"kind": "engagement", "estimator": "two_stage"})
    assert "choose one of: gradient_boosting, hist_gradient_boosting, lightgbm, " in page.text
    with django_capture_on_commit_callbacks(execute=True):
        page = lead.post(address, {"kind": "ctr", "estimator": ""}, follow=True)
    assert "is queued" in page.text
    assert "not enough data" in ModelVersion.objects.get().verdict
    assert LogEntry.objects.get().object_repr.startswith("asked/ctr/random_forest/")


def test_a_version_is_tested_beside_the_champion_and_taken_out_again(lead: Client, version: ModelVersion) -> None:
    address = reverse("admin:adplatform_modelversion_canary", args=[version.pk])
    assert "predicted over observed is 1.1" in lead.get(address).text
    page = lead.post(address, {"percent": "20"}, follow=True)
    assert "there is no ctr champion to test it against" in page.text
    registry.promote(make_version(0.2))
    assert "20.0% of the viewers" in lead.post(address, {"percent": "20"}, follow=True).text
    assert "20%" in lead.get(reverse(LIST)).text
    assert "is under test already" not in lead.post(reverse(LIST), {"action": "stop_test", "_selected_action": [version.pk]}, follow=True).text
    lead.post(reverse("admin:adplatform_modelversion_shadow", args=[version.pk]))
    version.refresh_from_db()
    assert (version.alias, version.status) == ("challenger", "shadow")
    words = ["canary with 20% of the traffic by hand", "taken out of the rollout by hand", "put in shadow by hand"]
    assert list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True)) == words


def test_those_who_may_only_look_cannot_promote_or_train(version: ModelVersion) -> None:
    reader = client_with("view_modelversion")
    assert reader.get(reverse(LIST)).status_code == 200
    assert reader.post(reverse("admin:adplatform_modelversion_promote", args=[version.pk])).status_code == 403
    assert reader.post(reverse("admin:adplatform_modelversion_train"), {"kind": "ctr"}).status_code == 403
    reader.post(reverse(LIST), {"action": "roll_back", "_selected_action": [version.pk]})
    assert registry.champion_row("ctr") is None


def test_nobody_makes_or_deletes_a_version_by_hand(admin_client: Client, version: ModelVersion) -> None:
    assert admin_client.get(reverse("admin:adplatform_modelversion_add")).status_code == 403
    assert admin_client.post(reverse("admin:adplatform_modelversion_delete", args=[version.pk])).status_code == 403
