"""From the gates to the whole traffic: each step on enough evidence, every way back with its reason, and each move made once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from adplatform.learning import drift, gates, registry, rollout, stages
from adplatform.learning.rollout import CANARY, CHAMPION, CONTROL, Arm, Evidence, Rules, ShadowRows
from adplatform.learning.schema import FeatureSchema
from adplatform.models import ModelVersion

from .test_registry import make_version

# Promotions stand at the time of the machine, and what follows them later.
NOW = datetime.now(UTC) + timedelta(days=1)
RULES = Rules(shadow_rows=300, step_rows=200)


# Shadow


def shadow_rows(n: int = 600, *, mean: float = 0.04, rate: float = 0.04, apart: float = 0.0, unscored: int = 0, seed: int = 1) -> ShadowRows:
    rng = np.random.default_rng(seed)
    scores = rng.beta(4, 4 / mean - 4, n)
    return ShadowRows(
        scores, scores + apart, np.full(n, rate), (rng.random(n) < rate).astype(float), np.arange(n).astype(np.str_), unscored
    )  # fmt: skip


def reference(mean: float = 0.04) -> dict[str, Any]:
    rng = np.random.default_rng(9)
    n = 5000
    scores = rng.beta(4, 4 / mean - 4, n)
    at = np.arange(n, dtype=np.float64) * 60
    return drift.reference(np.zeros((n, 0), dtype=np.float32), scores, FeatureSchema("t", 1, ()), at=at, session=np.arange(n).astype(np.str_))


@pytest.mark.parametrize(
    ("rows", "hours", "move", "words"),
    [
        (shadow_rows(100), 2.0, "wait", "100 of 300 shadow scores"),
        (shadow_rows(600), 0.5, "wait", "0.5 of 1 hours"),
        (rollout.NO_ROWS, 0.0, "wait", "0 of 300 shadow scores and 0.0 of 1 hours"),
        (shadow_rows(600), 2.0, "start", "600 shadow scores agree"),
        (shadow_rows(600, apart=0.01), 2.0, "refuse", "do not read the features alike"),
        (shadow_rows(600, unscored=200), 2.0, "refuse", "left 200 of 800 slots without a score"),
        (shadow_rows(600, unscored=5), 2.0, "start", "agree"),
        (shadow_rows(600, mean=0.3), 2.0, "refuse", "it predicts too much"),
        (shadow_rows(600, mean=0.06), 2.0, "refuse", "its scores lie elsewhere"),
    ],
)
def test_what_a_shadow_has_to_show(rows: ShadowRows, hours: float, move: str, words: str) -> None:
    judgement = rollout.judge_shadow(rows, reference(), RULES, hours=hours)
    assert (judgement.move, words in judgement.words) == (move, True), judgement.words
    assert judgement.gate.verdict == {"wait": "not_enough_evidence", "refuse": "fail", "start": "pass"}[move]


def test_a_shadow_that_the_champion_is_out_with_alike_is_not_refused_for_it() -> None:
    rows = replace(shadow_rows(2000, mean=0.08), served=np.full(2000, 0.08))
    assert rollout.judge_shadow(rows, {}, RULES, hours=2).move == "start"


# Canary


def arm(units: int, *, rate: float = 0.05, predicted: float | None = None, ms: float = 2.0, strays: int = 0, seed: int = 1) -> Arm:
    rng = np.random.default_rng(seed)
    shown = rng.integers(1, 6, units).astype(float)
    return Arm(
        units, shown, rng.binomial(shown.astype(int), rate).astype(float), shown * (rate if predicted is None else predicted),
        rng.gamma(20, ms / 20, units * 2), strays,
    )  # fmt: skip


def evidence(canary: Arm, champion: Arm | None = None, control: int = 500) -> Evidence:
    return Evidence(
        arms={CANARY: canary, CHAMPION: champion or arm(7125, seed=2), CONTROL: arm(control, seed=3)}, control_share=0.05, reward="clicks"
    )


@pytest.mark.parametrize(
    ("canary", "move", "words"),
    [
        (arm(2375), "raise", "raised no alarm"),
        (arm(1600), "refuse", "the arms do not have the viewers their shares promise: control 500"),
        (arm(2375, strays=300), "refuse", "answered by another model"),
        (arm(2375, ms=20.0), "refuse", "its decisions are slow"),
        (arm(2375, predicted=0.4), "refuse", "it predicts too much"),
        (arm(2375, predicted=0.01), "refuse", "it predicts too little"),
        (arm(2375, rate=0.02), "refuse", "fewer clicks, with certainty"),
    ],
)
def test_what_a_step_of_a_canary_has_to_show(canary: Arm, move: str, words: str) -> None:
    judgement = rollout.judge_canary(evidence(canary), 0.25, RULES, hours=3)
    assert (judgement.move, words in judgement.words) == (move, True), judgement.words
    if move == "refuse":
        assert judgement.words.startswith("Stepped down from 25% of the traffic")


def test_a_step_waits_for_its_time_and_its_impressions_and_the_last_one_ends_in_the_champion() -> None:
    few = Evidence(arms={CANARY: arm(12), CHAMPION: arm(230, seed=2), CONTROL: arm(13, seed=3)}, control_share=0.05, reward="clicks")
    waiting = rollout.judge_canary(few, 0.05, RULES, hours=0.5)
    assert waiting.move == "wait"
    assert f"{few.arms[CANARY].rows} of 200 impressions with a known outcome and 0.5 of 2 hours" in waiting.words
    even = evidence(arm(4750), arm(4750, seed=2))
    assert [rollout.judge_canary(even, 0.5, RULES, hours=hours).move for hours in (1, 3)] == ["wait", "promote"]
    silent = evidence(arm(4750, rate=0.0005), arm(4750, rate=0.0005, seed=2))
    assert "too few clicks to compare" in rollout.judge_canary(silent, 0.5, RULES, hours=3).words


def test_a_canary_as_good_as_the_champion_is_seldom_stopped_though_it_is_looked_at_all_the_time() -> None:
    rng, stopped = np.random.default_rng(4), 0
    for _ in range(30):
        shown = np.ones(20_000)
        clicks, in_canary = (rng.random(20_000) < 0.03).astype(float), rng.random(20_000) < 0.25
        for end in range(1_000, 20_001, 500):
            arms = {
                name: Arm(int(of.sum()), shown[:end][of], clicks[:end][of], shown[:end][of] * 0.03, np.full(int(of.sum()), 2.0))
                for name, of in ((CANARY, in_canary[:end]), (CHAMPION, ~in_canary[:end]))
            }
            if rollout.judge_canary(Evidence(arms=arms), 0.25, RULES, hours=0).move == "refuse":
                stopped += 1
                break
    assert stopped <= 3


@pytest.mark.parametrize("steps", [(), (0.5, 0.25), (0.0, 0.5), (0.5, 1.0), (0.2, 0.2)])
def test_steps_that_are_none_are_refused(steps: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares between 0 and 1, ascending"):
        Rules(steps=steps)


# Rows


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Evidence]:
    """What the room sees of each kind, set by the test; two kinds on the same traffic."""
    told: dict[str, Evidence] = {"one": Evidence(), "two": Evidence()}
    sources = {kind: stages.Source(kind, lambda version, since, until: told[version.kind], "roads") for kind in told}
    monkeypatch.setattr(stages, "_sources", sources)
    return told


GOOD_SHADOW = Evidence(shadow=shadow_rows(600))
EVEN = {0.05: (475, 9025), 0.25: (2375, 7125), 0.5: (4750, 4750)}


def good_canary(share: float) -> Evidence:
    mine, theirs = EVEN[share]
    return evidence(arm(mine), arm(theirs, seed=2))


def champion(kind: str = "one") -> ModelVersion:
    version = make_version(0.1, kind)
    registry.promote(version)
    return version


def admitted(kind: str = "one", *, now: datetime = NOW, bootstrap: bool = False, value: float | None = None) -> ModelVersion:
    version = make_version(0.2 + ModelVersion.objects.count() / 1000 if value is None else value, kind)
    stages.admit(version, bootstrap=bootstrap, now=now)
    return version


def state(version: ModelVersion) -> tuple[str, str, float]:
    version.refresh_from_db()
    return version.alias, version.status, version.traffic_share


@pytest.mark.django_db
def test_first_and_bootstrap_versions_serve_at_once_and_a_proven_champion_is_tested_against(seen: dict[str, Evidence]) -> None:
    assert state(admitted())[:2] == ("champion", "promoted")
    ModelVersion.objects.update(parameters={"bootstrap": True})
    assert state(admitted())[:2] == ("champion", "promoted")
    assert state(admitted(bootstrap=True))[:2] == ("champion", "promoted")
    assert state(admitted()) == ("challenger", "shadow", 0.0)
    champion("unwatched")
    assert state(admitted("unwatched"))[:2] == ("champion", "promoted")


@pytest.mark.parametrize("bootstrap", [True, False])
@pytest.mark.django_db
def test_the_same_model_again_changes_nothing_so_that_a_rollback_still_goes_to_another(seen: dict[str, Evidence], *, bootstrap: bool) -> None:
    before, now_serves = make_version(0.05, "one"), champion()
    registry.promote(before)
    registry.promote(now_serves)
    again = admitted(bootstrap=bootstrap, value=0.1)
    assert state(again) == ("", "refused", 0.0)
    assert "it is the same model as one v2 (champion), byte for byte: nothing to promote" in again.verdict.replace(str(now_serves), "one v2")
    assert [state(version)[0] for version in (before, now_serves)] == ["previous", "champion"]
    tested = admitted(value=0.2)
    assert (state(tested)[0], state(admitted(value=0.2))[1]) == ("challenger", "refused")


@pytest.mark.django_db
def test_a_good_version_walks_from_shadow_to_champion(seen: dict[str, Evidence]) -> None:
    before, version = champion(), admitted()
    path, at = [], NOW
    for sight in (GOOD_SHADOW, *(good_canary(share) for share in (0.05, 0.25, 0.5))):
        seen["one"] = sight
        assert "waits" in stages.advance("one", now=at + timedelta(minutes=10), by=RULES)
        at += timedelta(hours=3)
        stages.advance("one", now=at, by=RULES)
        path.append(state(version))
    assert path == [
        ("challenger", "canary", 0.05), ("challenger", "canary", 0.25), ("challenger", "canary", 0.5), ("champion", "promoted", 0.0),
    ]  # fmt: skip
    assert state(before)[0] == "previous"
    assert [gate["name"] for gate in version.gates] == ["shadow", "canary 5%", "canary 25%", "canary 50%"]
    assert version.verdict.startswith("Promoted: ")
    assert stages.advance("one", now=at, by=RULES) == "nothing is under test"


@pytest.mark.django_db
def test_a_bad_canary_steps_down_with_its_reason_and_the_champion_stays(seen: dict[str, Evidence]) -> None:
    before, version = champion(), admitted()
    stages.stop("one", "To be shown in canary.", now=NOW)
    stages.canary(version, 0.25, now=NOW)
    seen["one"] = evidence(arm(2375, strays=300))
    stages.advance("one", now=NOW + timedelta(minutes=1), by=RULES)
    assert state(version) == ("", "refused", 0.0)
    assert "answered by another model" in version.verdict
    assert state(before)[0] == "champion"


@pytest.mark.django_db
def test_a_challenger_whose_artifact_was_damaged_is_refused() -> None:
    champion()
    version = admitted()
    (Path(settings.MODELS_DIR) / version.artifact).write_bytes(b"damaged")
    assert "SHA-256" in stages.advance("one", now=NOW, by=RULES)
    assert state(version)[1] == "refused"


@pytest.mark.django_db
def test_versions_wait_in_line_and_the_newest_goes_next(seen: dict[str, Evidence]) -> None:
    champion()
    first, second, third = admitted(), admitted(), admitted()
    assert (state(second), "It waits in line behind one v2" in second.verdict) == (("", "shadow", 0.0), True)
    stages.stop("one", "Not this one.", now=NOW)
    assert "waits" in stages.advance("one", now=NOW, by=RULES)
    assert [state(version)[:2] for version in (first, second, third)] == [("", "refused"), ("", "refused"), ("challenger", "shadow")]
    assert "one v4 (prior) passed the gates later" in second.verdict


@pytest.mark.django_db
def test_who_was_judged_against_another_champion_is_out_of_date(seen: dict[str, Evidence]) -> None:
    champion()
    first, second = (admitted(now=NOW - timedelta(days=2)) for _ in range(2))
    registry.promote(make_version(0.3, "one"))
    assert "became champion while it was under test" in (state(first) and first.verdict)
    assert stages.advance("one", now=NOW, by=RULES) == "nothing is under test"
    assert "judged before" in (state(second) and second.verdict)


@pytest.mark.django_db
def test_kinds_of_the_same_traffic_take_turns_in_their_canaries(seen: dict[str, Evidence]) -> None:
    champion("one"), champion("two")
    version = make_version(0.2, "one")
    stages.canary(version, 0.25, now=NOW)
    other = admitted("two")
    seen["two"] = GOOD_SHADOW
    stages.advance("two", now=NOW + timedelta(hours=3), by=RULES)
    assert (state(other)[1], "It waits for one v2" in other.verdict) == ("shadow", True)
    with pytest.raises(registry.NotPromotable, match="in canary on the same traffic"):
        stages.canary(other, 0.5, now=NOW)
    stages.stop("one", "Enough.", now=NOW)
    stages.advance("two", now=NOW + timedelta(hours=3), by=RULES)
    assert state(other)[1] == "canary"


@pytest.mark.django_db
def test_what_cannot_be_tested_is_said() -> None:
    alone = make_version(0.1, "one")
    with pytest.raises(registry.NotPromotable, match="there is no one champion to test it against"):
        stages.shadow(alone, now=NOW)
    registry.promote(alone)
    with pytest.raises(registry.NotPromotable, match="is the champion"):
        stages.shadow(alone, now=NOW)
    admitted()
    with pytest.raises(registry.NotPromotable, match="is under test already"):
        stages.shadow(make_version(0.3, "one"), now=NOW)
    with pytest.raises(registry.NotPromotable, match="share between 0 and 1"):
        stages.canary(alone, 1.0, now=NOW)
    with pytest.raises(registry.NotPromotable, match="no two model is in shadow"):
        stages.stop("two", "Nobody.", now=NOW)


@pytest.mark.parametrize("ends", ["stopped", "overtaken"])
@pytest.mark.django_db
def test_what_its_gates_said_outlives_a_test(seen: dict[str, Evidence], ends: str) -> None:
    champion()
    version = make_version(0.2, "one")
    version.gates = [gates.Gate("quality", gates.PASS, "better").as_json(), gates.Gate("calibration", gates.FAIL, "1.4 times the truth").as_json()]
    version.save()
    stages.shadow(version, now=NOW)
    if ends == "stopped":
        stages.stop("one", "Stopped by lea.", now=NOW)
    else:
        registry.promote(make_version(0.3, "one"))
    assert state(version)[1] == "refused"
    assert version.verdict.startswith("Stopped")
    assert version.verdict.endswith(" Gates that it did not pass: calibration (failed): 1.4 times the truth")


@pytest.mark.django_db
def test_one_kind_that_cannot_be_judged_does_not_hold_up_the_others(seen: dict[str, Evidence]) -> None:
    champion("one"), champion("two")
    admitted("one"), admitted("two")
    del seen["one"]
    told = stages.advance_all(now=NOW)
    assert "not judged: KeyError" in told["one"]
    assert "waits" in told["two"]


@pytest.mark.django_db
def test_the_database_holds_one_challenger_a_kind() -> None:
    champion()
    admitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=make_version(0.3, "one").pk).update(alias="challenger")


@pytest.mark.django_db(transaction=True)
def test_two_that_advance_at_once_move_it_once(seen: dict[str, Evidence]) -> None:
    champion()
    version = admitted()
    both_saw = threading.Barrier(2)

    def sight(version: ModelVersion, since: datetime, until: datetime) -> Evidence:
        both_saw.wait(20)
        return GOOD_SHADOW

    stages.register_source(stages.Source("one", sight, "roads"))
    told: list[str] = []

    def advance() -> None:
        try:
            told.append(stages.advance("one", now=NOW + timedelta(hours=3), by=RULES))
        finally:
            connection.close()

    threads = [threading.Thread(target=advance) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state(version) == ("challenger", "canary", 0.05)
    assert sorted(words.startswith("600 shadow scores agree") for words in told) == [False, True]
    assert "another process moved it a moment ago" in told
