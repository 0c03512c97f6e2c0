"""The log that models of watching are measured on knows what is true of every row, and is drawn again the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import first_demo_rule, watching_log
from engagement.director.features import SCHEMA
from engagement.simulation import audience


@pytest.fixture(scope="module")
def log() -> watching_log.Log:
    return watching_log.drawn(audience.load(audience.DEFAULT), seed=3, playbacks=60, days=3)


def test_what_is_true_of_each_row_is_known_and_tells_more_than_the_mean(log: watching_log.Log) -> None:
    for rows in (log.engagement, log.leaving):
        found, truth = rows.dataset()
        assert len(found) > 200
        assert np.isfinite(truth).all()
        assert ((found.labels - truth) ** 2).mean() < found.labels.var()
        assert (np.diff(found.at) >= 0).all()
    features = log.leaving.dataset()[0].features
    assert [one for one in SCHEMA.problems(features) if "no value" not in one.words] == []
    assert {float(code) for code in features[:, SCHEMA.index["change"]]} > {0.0}


def test_the_first_demos_rule_moves_as_its_paper_says(log: watching_log.Log) -> None:
    features = log.engagement.dataset()[0].features[:1].copy()

    def score(name: str, value: float) -> float:
        row = features.copy()
        for signal in ("rewinds", "skips", "pauses"):
            row[0, SCHEMA.index[signal]] = 0
        row[0, SCHEMA.index[name]] = value
        return float(first_demo_rule.engagement_of(row, SCHEMA, np.random.default_rng(1))[0])

    assert score("rewinds", 1) > score("rewinds", 0) > score("pauses", 1) > score("skips", 1)


def test_the_same_seed_draws_the_same_log(log: watching_log.Log) -> None:
    again = watching_log.drawn(audience.load(audience.DEFAULT), seed=3, playbacks=60, days=3)
    (ours, truth), (theirs, also) = log.engagement.dataset(), again.engagement.dataset()
    assert ours.features.tobytes() == theirs.features.tobytes()
    assert (truth.tobytes(), ours.labels.tobytes()) == (also.tobytes(), theirs.labels.tobytes())
