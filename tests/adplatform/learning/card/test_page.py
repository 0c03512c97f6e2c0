"""The model card says what is known of a version, also when that is little."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from adplatform.learning import registry
from adplatform.models import ModelVersion

from ..test_admin import client_with
from ..test_registry import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    return client_with("view_modelversion")


@pytest.fixture
def judged() -> ModelVersion:
    version = make_version(0.1)
    version.metrics = {"normalised_entropy": {"value": 0.91, "baseline": 1.0, "ci_low": 0.89, "ci_high": 0.93, "ceiling": 0.82}}
    version.gates = [
        {"name": "data", "verdict": "pass", "words": "900 rows to learn from", "figures": {"positives": 1234}},
        {"name": "quality", "verdict": "fail", "words": "so it is worse", "figures": {}},
    ]
    version.card = {
        "calibration": [{"predicted": 0.01, "observed": 0.012, "low": 0.009, "high": 0.015, "rows": 500}],
        "groups": {"device": [{"name": "tv", "ratio": 1.02, "low": 0.97, "high": 1.08, "rows": 4000, "positives": 80}]},
        "roc": [[0, 0], [0.2, 0.6], [1, 1]],
        "importance": [
            {"feature": "hour", "loss_rise": 0.0001, "low": -0.0001, "high": 0.0003},
            {"feature": "ad_click_rate", "loss_rise": 0.004, "low": 0.003, "high": 0.005},
        ],
        "latency": [{"rows": 1000, "p50_ms": 0.61, "p99_ms": 0.93}],
    }
    version.lineage = {"seed": 7, "libraries": {"numpy": "2.4"}}
    version.save()
    return version


def card(client: Client, version: ModelVersion, **query: str) -> str:
    return client.get(reverse("admin:adplatform_modelversion_card", args=[version.pk]), query).text


def test_a_judged_version_shows_figures_with_intervals_gates_curves_groups_and_lineage(reader: Client, judged: ModelVersion) -> None:
    page = card(reader, judged)
    for words in (
        "0.9100",
        "0.8900 to 0.9300",
        "0.8200",
        "so it is worse",
        "1,234",
        "In 1 of 1 bands",
        "0.6",
        "1.0200",
        "0.930 ms",
        "numpy 2.4",
        judged.artifact_sha256,
    ):
        assert words in page
    assert page.index("ad click rate") < page.index("+0.000100")


def test_a_version_that_was_never_judged_has_a_page_too(reader: Client) -> None:
    assert "Not judged yet." in card(reader, registry.register(kind="ctr", estimator="prior"))


def test_who_may_not_see_models_sees_no_card(judged: ModelVersion) -> None:
    answer = client_with("view_experiment").get(reverse("admin:adplatform_modelversion_card", args=[judged.pk]))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("key", "words"),
    [("not an id", "names no slot"), ("0199c0de-0000-7000-8000-000000000000/0", "there is no decision"), ("<script>/0", "&lt;script&gt;")],
)
def test_a_prediction_that_cannot_be_found_is_said_so(reader: Client, judged: ModelVersion, key: str, words: str) -> None:
    page = card(reader, judged, row=key)
    assert words in page
    assert "<script>/0" not in page
