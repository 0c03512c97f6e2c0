"""A challenger beside the champion: what it says in shadow touches no decision, its canary takes its share, and nothing it does stops one."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from adplatform.eventlog import consumer
from adplatform.learning import predictor, registry, stages
from adplatform.learning.rollout import Rules
from adplatform.models import ModelVersion
from ads.ctr import evidence, features, rollout, scorer
from ads.decision.control import in_control
from ads.decision.request import AdRequest
from ads.models import Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

from .test_scorer import REQUEST, make_candidates

LONG_AGO = NOW - timedelta(hours=2)


def make_model(value: float = 0.1, *, column: str | None = None, kind: str = "ctr", fingerprint: str = "") -> ModelVersion:
    """A constant, or one column as it is; NaN answers where ``value`` is."""
    at = None if column is None else features.SCHEMA.index[column]
    path, digest = registry.store_artifact(predictor.ColumnPredictor(at, value).to_bytes(), predictor.PLAIN)
    parameters = {"schema_fingerprint": fingerprint or features.SCHEMA.fingerprint()}
    return registry.register(kind=kind, estimator="prior", artifact=path, artifact_sha256=digest, parameters=parameters)


def stage(challenger: ModelVersion, share: float | None = None, *, now: datetime = LONG_AGO) -> ModelVersion:
    """Champion v1 says .02 of everything; the challenger enters its shadow, or its canary with a ``share``."""
    if registry.champion_row(challenger.kind) is None:
        registry.promote(make_model(0.02, kind=challenger.kind))
    if share is None:
        stages.shadow(challenger, now=now)
    else:
        stages.canary(challenger, share, now=now)
    registry.forget_loaded()
    return challenger


def requests(n: int, *, consent: bool = True) -> list[AdRequest]:
    return [dataclasses.replace(REQUEST, session=uuid.UUID(int=n + i), viewer=uuid.UUID(int=7 * i + 1), consent=consent) for i in range(n)]


# Canary


@pytest.mark.django_db
def test_a_canary_answers_its_share_of_the_viewers_and_the_control_slice_comes_first() -> None:
    challenger = stage(make_model(0.3), 0.25)
    asked = requests(800)
    answers = [scorer.score(request, make_candidates(2)) for request in asked]
    arms = {"canary": challenger.number, "champion": 1 + (challenger.number == 1), "control": None}
    assert all(answer.model_version == arms[answer.arm] for answer in answers)
    assert [answer.arm == "control" for answer in answers] == [in_control(request) for request in asked]
    open_to_it = [answer for answer in answers if answer.arm != "control"]
    assert 0.2 < np.mean([answer.arm == "canary" for answer in open_to_it]) < 0.3


@pytest.mark.django_db
def test_who_is_in_a_canary_stays_in_it_while_its_share_grows() -> None:
    challenger = stage(make_model(0.3), 0.05)
    asked = requests(400)

    def inside() -> set[uuid.UUID]:
        registry.forget_loaded()
        return {request.session for request in asked if rollout.assign(request, ("ctr",)).arm == "canary"}

    small = inside()
    ModelVersion.objects.filter(pk=challenger.pk).update(traffic_share=0.5)
    assert small < inside()
    again = [dataclasses.replace(request, session=uuid.UUID(int=5 + i)) for i, request in enumerate(asked)]
    assert [rollout.assign(one, ("ctr",)).arm for one in asked] == [rollout.assign(one, ("ctr",)).arm for one in again]


@pytest.mark.django_db
def test_without_consent_the_session_is_drawn_and_the_next_version_draws_anew() -> None:
    first = stage(make_model(0.3), 0.5)
    asked = [dataclasses.replace(request, viewer=uuid.UUID(int=1)) for request in requests(200, consent=False)]
    arms = [rollout.assign(request, ("ctr",)).arm for request in asked]
    assert {"canary", "champion"} <= set(arms)
    stages.stop("ctr", "Enough.", now=NOW)
    stage(make_model(0.3), 0.5)
    assert first.number != registry.load_serving("ctr").challenger_version
    assert arms != [rollout.assign(request, ("ctr",)).arm for request in asked]


@pytest.mark.django_db
@pytest.mark.parametrize("broken", ["damaged", "other schema", "not a number"])
def test_a_canary_that_cannot_answer_leaves_it_to_the_champion_and_keeps_its_arm(broken: str) -> None:
    challenger = make_model(float("nan") if broken == "not a number" else 0.3, fingerprint="another" if broken == "other schema" else "")
    stage(challenger, 0.9)
    if broken == "damaged":
        (Path(settings.MODELS_DIR) / challenger.artifact).write_bytes(b"damaged")
    answers = [scorer.score(request, make_candidates(2)) for request in requests(30)]
    in_canary = [answer for answer in answers if answer.arm == "canary"]
    assert len(in_canary) > 10
    for answer in in_canary:
        assert answer.pctr.tolist() == pytest.approx([0.02, 0.02])
        assert answer.model_version != challenger.number


# Shadow


def serve(n: int, *, clicked: bool = False, at: datetime = NOW) -> list[Any]:
    served = [serve_break(dataclasses.replace(make_request(), session=uuid.UUID(int=900 + number)), now=at) for number in range(n)]
    for answer in served:
        for ad in answer.ads:
            track(ad.token, "ad.impression", at=at + timedelta(seconds=2))
            if clicked:
                track(ad.token, "ad.click", at=at + timedelta(seconds=9))
    consumer.drain(now=at + timedelta(seconds=13))
    return served


@pytest.mark.django_db(transaction=True)
def test_a_shadow_scores_what_was_served_and_changes_nothing_of_it() -> None:
    make_ad()
    challenger = stage(make_model(column="ad_click_rate"))
    (answer,) = serve(1)
    assert answer.ads[0].pctr == pytest.approx(0.02)
    (decision,) = Decision.objects.all()
    (slot,) = decision.slots
    rate = features.SCHEMA.unpack(slot["features"])[features.SCHEMA.index["ad_click_rate"]]
    assert slot["shadow"] == {"version": challenger.number, "pctr": rate}
    assert (decision.model_version, decision.model_arm in ("champion", "control")) == (None if decision.control else 2, True)

    seen = evidence.load(challenger, LONG_AGO, NOW + timedelta(hours=1)).shadow
    assert seen is not None
    assert (seen.scores.tolist(), seen.replayed.tolist(), seen.outcomes.tolist(), seen.unscored) == ([rate], [rate], [0.0], 0)


@pytest.mark.django_db(transaction=True)
def test_a_shadow_that_fails_is_counted_and_the_decision_is_stored() -> None:
    make_ad()
    challenger = stage(make_model(float("nan")))
    before = rollout.FAILED.labels("ctr", "shadow")._value.get()
    serve(1)
    (decision,) = Decision.objects.all()
    assert "shadow" not in decision.slots[0]
    assert rollout.FAILED.labels("ctr", "shadow")._value.get() == before + 1
    seen = evidence.load(challenger, LONG_AGO, NOW + timedelta(hours=1)).shadow
    assert seen is not None
    assert (len(seen), seen.unscored) == (0, 1)


# Evidence of a canary


@pytest.mark.django_db(transaction=True)
def test_a_canary_is_seen_by_viewers_impressions_clicks_and_who_answered() -> None:
    make_ad()
    challenger = stage(make_model(0.3), 0.5)
    serve(24, clicked=True)
    seen = evidence.load(challenger, LONG_AGO, NOW + timedelta(hours=1))
    units = {name: arm.units for name, arm in seen.arms.items()}
    assert sum(units.values()) == 24
    canary = seen.arms["canary"]
    assert (canary.rows, int(canary.rewards.sum()), canary.strays) == (units["canary"], units["canary"], 0)
    assert canary.predicted.sum() == pytest.approx(0.3 * units["canary"])
    assert len(canary.milliseconds) == units["canary"]

    unknown = evidence.load(challenger, LONG_AGO, NOW + timedelta(minutes=1)).arms["canary"]
    assert unknown.rows == 0  # a click may still come
    other = make_model(0.3)
    other.status = "canary"
    assert evidence.load(other, LONG_AGO, NOW + timedelta(hours=1)).arms["canary"].strays == units["canary"]


@pytest.mark.django_db(transaction=True)
def test_a_challenger_walks_from_its_shadow_to_champion_by_what_was_really_decided() -> None:
    make_ad()
    registry.promote(make_model(0.2))
    challenger = stage(make_model(0.2), now=NOW - timedelta(minutes=1))
    rules = Rules(shadow_rows=20, shadow_hours=0, steps=(0.5,), step_hours=0, step_rows=20)
    for served, until, said in ((30, 20, "Canary with 50%"), (260, 60, "Promoted: ")):
        first = Decision.objects.count()
        for number in range(served):
            at = NOW + timedelta(minutes=until - 15)
            (ad,) = serve_break(dataclasses.replace(make_request(), session=uuid.UUID(int=5000 + first + number)), now=at).ads
            track(ad.token, "ad.impression", at=at + timedelta(seconds=2))
            if number % 5 == 0:
                track(ad.token, "ad.click", at=at + timedelta(seconds=9))
        consumer.drain(now=at + timedelta(seconds=13))
        assert "waits" in stages.advance("ctr", now=at + timedelta(minutes=1), by=dataclasses.replace(rules, shadow_rows=999, step_rows=9999))
        stages.advance("ctr", now=NOW + timedelta(minutes=until), by=rules)
        challenger.refresh_from_db()
        assert challenger.verdict.startswith(said), challenger.verdict
        registry.forget_loaded()
    assert registry.champion_row("ctr") == challenger
    assert "clicks: " in challenger.verdict
