"""What an action is worth is learned from logged boundaries: what helps is told from what hurts, and what cannot be told is not acted on."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.learning import registry, training
from adplatform.learning.choices import Choices
from adplatform.learning.predictor import spread_of
from adplatform.models import ModelVersion
from engagement.director import boundaries, outcomes, policy, value, watched
from engagement.director.lots import SCHEMA
from engagement.director.options import Option
from engagement.director.worth import Worth
from engagement.models import DirectorAction, DirectorDecision, DirectorOutcome

from .hand import RULES, Valued
from .worlds import BASE, LATER, NOW, World, write

pytestmark = pytest.mark.django_db
SMALL = {"bags": 5, "rounds": 16, "depth": 2}
ACTION = SCHEMA.index["action"]
HELPS, HURTS = "tighten", "bring_forward"


def gains(version: int) -> dict[str, np.ndarray]:
    """Of each action over keeping, in shares of what is watched, by bag."""
    lots = boundaries.choices(NOW - timedelta(days=6), NOW)
    assert lots is not None
    model = registry.load_version(ModelVersion.objects.get(kind="director", number=version)).predictor
    first = lots.choice == 0
    bags = spread_of(model, lots.features[first])
    actions = [boundaries.ACTIONS[int(code)] for code in lots.features[first, ACTION]]
    return {action: bags[place] - bags[0] for place, action in enumerate(actions)}


def test_what_helps_is_told_from_what_hurts_and_a_candidate_that_learned_from_shuffled_outcomes_is_refused() -> None:
    world = World({HELPS: 0.12, HURTS: -0.15})
    write(world, 300)
    report = training.train("director", as_of=NOW, parameters=SMALL)
    assert report.status == "promoted", report.verdict
    found = gains(report.number or 0)
    assert found[HELPS].min() > 0.03 > -0.03 > found[HURTS].max()
    kept = ModelVersion.objects.get(kind="director").parameters
    assert kept["trials"]["tighten"] > 100
    gate = next(one for one in report.gates if one["name"] == "off-policy value")
    # Three hundred sessions are few, and it says so; the figures stand beside it all the same.
    assert "1,000 are needed: not enough evidence" in gate["words"]
    rules = {one["name"]: one for one in gate["figures"]["policies"]}
    told = DirectorDecision.objects.first()
    assert told is not None
    uniform = BASE + float(np.mean([world.effects.get(one["action"], 0.0) for one in told.alternatives]))
    truth = (0.2 * (BASE + world.effects[HELPS]) + 0.8 * uniform) * LATER / 1000
    assert rules["candidate"]["low"] < truth < rules["candidate"]["high"]
    assert rules["candidate"]["value"] > rules["keeping the plan always"]["value"]
    poison_what_is_learned_from()
    # The champion stays.
    assert training.train("director", as_of=NOW, parameters=SMALL).status == "refused"


def test_where_everything_hurts_nothing_has_a_positive_lower_bound() -> None:
    write(World(dict.fromkeys(DirectorAction.values, -0.1) | {"keep": 0.0}), 200)
    report = training.train("director", as_of=NOW, parameters=SMALL)
    lots = boundaries.choices(NOW - timedelta(days=6), NOW)
    assert lots is not None
    model = registry.load_version(ModelVersion.objects.get(kind="director")).predictor
    taken = boundaries.best(lots, model, {"trials": dict.fromkeys(DirectorAction.values, 10_000)})
    assert (taken == lots.starts).all()
    gate = next(one for one in report.gates if one["name"] == "off-policy value")
    assert "it would do the same at every one as keeping the plan" in gate["words"]


def poison_what_is_learned_from() -> None:
    """The outcomes of the earlier boundaries change places; those a candidate is judged by stay."""
    told = list(DirectorOutcome.objects.order_by("decided_at"))
    early = told[: int(len(told) * 0.8)]
    shuffled = np.random.default_rng(1).permutation(np.array([one.coming for one in early], dtype=np.float64))
    for one, coming in zip(early, shuffled, strict=True):
        one.coming = float(coming)
    DirectorOutcome.objects.bulk_update(early, ["coming"])


def test_rows_count_by_how_seldom_their_option_was_taken_and_none_more_than_twenty_times() -> None:
    write(World({}, exploring=0.1), 60)
    found = boundaries.load(NOW)
    told = {str(one.pk): one for one in DirectorDecision.objects.all()}
    raw = np.array([min(1 / told[key].propensity, boundaries.MOST_WEIGHT) for key in found.keys if found.keys is not None])  # type: ignore[union-attr]
    assert found.weights == pytest.approx(raw / raw.mean())
    assert raw.max() == boundaries.MOST_WEIGHT
    chance = boundaries.notes(found)["trials"]
    assert sum(chance.values()) == sum(one.explored for one in told.values())


def test_a_row_is_what_was_served_and_a_plan_that_was_changed_again_before_its_place_is_none() -> None:
    write(World({}), 10)
    rows = boundaries.load(NOW)
    one = DirectorDecision.objects.order_by("decided_at", "id").first()
    assert one is not None
    taken = next(option for option in one.alternatives if option["taken"])
    assert rows.features[0, ACTION] == taken["features"]["action"]
    changed = DirectorDecision.objects.create(
        id=one.pk.__class__(int=one.pk.int + 1), session=one.session, title=one.title, decided_at=one.decided_at + timedelta(seconds=5),
        trigger="drop", place=one.place, action="tighten", applied=True, reason="", alternatives=[],
    )  # fmt: skip
    assert len(boundaries.load(NOW)) == len(rows) - 1
    changed.delete()
    DirectorOutcome.objects.filter(decision=one.pk).update(reached=False)
    assert len(boundaries.load(NOW)) == len(rows) - 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=1, max_size=6), st.integers(0, 10**6))
def test_the_rule_that_is_evaluated_is_the_one_that_decides(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    starts = np.cumsum([0, *sizes[:-1]])
    codes = np.where(np.isin(np.arange(count), starts), 0, rng.integers(1, len(boundaries.ACTIONS), count))
    features = np.zeros((count, len(SCHEMA.features)), dtype=np.float32)
    features[:, ACTION] = codes
    bags = rng.normal(0.7, 0.1, (count, 5))
    trials = {action: int(rng.integers(0, 100)) for action in boundaries.ACTIONS}
    fixed, slope, none = rng.uniform(0, 500, count), rng.uniform(500, 2000, count), np.zeros(len(sizes))
    lots = Choices(none, none, none, none, starts, none, np.repeat(np.arange(len(sizes)), sizes), features, np.zeros(count, np.int64), fixed, slope)
    taken = boundaries.best(lots, Bagged(bags), {"trials": trials})
    for start, size, found in zip(starts, sizes, taken, strict=True):
        inside = slice(start, start + size)
        options = [Option(boundaries.ACTIONS[code], 1) for code in codes[inside]]
        worths = [Worth(now, later) for now, later in zip(fixed[inside], slope[inside], strict=True)]
        judged = policy.judge(worths, options, Valued(bags[inside].mean(axis=1), bags[inside], trials=trials), RULES)
        assert policy.best(judged, range(size)) == found - start


class Bagged:
    """A model with these bags, in the order of the rows."""

    def __init__(self, bags: np.ndarray) -> None:
        self.bags = bags

    def predict(self, features: np.ndarray) -> np.ndarray:
        mean: np.ndarray = self.bags.mean(axis=1)
        return mean

    def spread(self, features: np.ndarray) -> np.ndarray:
        return self.bags


def test_what_was_served_is_watched_with_its_outcome_and_waits_while_it_has_none() -> None:
    write(World({}), 20)
    DirectorDecision.objects.update(policy_version=3)
    first = DirectorOutcome.objects.order_by("decided_at").first()
    assert first is not None
    first.delete()
    DirectorOutcome.objects.filter(pk=DirectorOutcome.objects.order_by("decided_at")[0].pk).update(reached=False)
    served = watched.load(since=NOW - timedelta(days=7), until=NOW, as_of=NOW, most=1000)
    assert (len(served), int(np.isnan(served.labels).sum())) == (79, 1)
    assert set(served.version) == {3}


def test_while_no_model_serves_nothing_is_expected() -> None:
    registry.forget_loaded()
    assert value.KIND == "director"
    assert outcomes.judge_all(now=NOW, since=NOW - timedelta(days=1)) == 0
