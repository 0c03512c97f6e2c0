"""The boosted model of a cluster is exported, judged and kept like one of this machine; where there is no cluster, a sentence says so."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from adplatform.learning import cluster, engines, predictor, registry, runs, training
from adplatform.learning.estimators import UnknownEstimator, boosted
from adplatform.learning.schema import Feature, FeatureSchema
from adplatform.models import ModelVersion, TrainingRun

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SCHEMA = FeatureSchema(name="clustered", version=1, features=tuple(Feature(f"x{place}", "test", low=-9, high=9) for place in range(4)))


def make_rows(as_of: datetime) -> training.Dataset:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(3000, 4)).astype(np.float32)
    features[rng.random(features.shape) < 0.05] = np.nan
    appeal = np.nan_to_num(features)
    labels = (rng.random(3000) < 1 / (1 + np.exp(1.5 - 1.5 * appeal[:, 0] - appeal[:, 1] * appeal[:, 2]))).astype(np.float64)
    at = as_of.timestamp() - np.sort(rng.uniform(0, 6 * 86_400, 3000))[::-1]
    return training.Dataset(features, labels, at, np.arange(3000).astype(np.str_), np.zeros(3000, dtype=bool))


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.DASK_DIR = tmp_path / "shared"
    monkeypatch.setattr("adplatform.learning.training.recipes._recipes", {})
    training.register_recipe(training.Recipe("clustered", "classification", SCHEMA, "prior", make_rows, 500, 0.0, 20))
    for name, value in {"rounds": 8, "learning_rate": 0.3}.items():
        monkeypatch.setitem(boosted.BOOSTED, name, value)


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_two_processes_grow_the_trees_of_one_version_from_a_file_a_day(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exported: list[list[str]] = []

    def export(*args: Any) -> list[tuple[Path, int]]:
        files = real(*args)
        exported.append([path.name for path, _ in files])
        return files

    real = cluster.export
    monkeypatch.setattr(cluster, "export", export)
    call_command("train", "clustered", "--engine", "dask", "--as-of", NOW.isoformat(), stdout=StringIO())
    version = ModelVersion.objects.get()
    assert (version.engine, version.estimator, version.alias) == ("dask", "lightgbm", "champion")
    assert version.parameters["notes"]["engine"] == "dask, 2 workers"
    assert [gate["verdict"] for gate in version.gates if gate["name"] in ("parity", "quality")] == ["pass", "pass"]
    # The first model learns from fewer days than the second: the last ones choose how many rounds.
    assert len(exported) == 2
    assert exported[1] == [f"2026-11-{day}.parquet" for day in range(14, 19)]
    assert set(exported[0]) < set(exported[1]) or exported[0] == exported[1]
    assert list(settings.DASK_DIR.iterdir()) == []
    # As good as what one machine learns from the same rows.
    rows = make_rows(NOW)
    model = registry.load_version(version).predictor
    earlier, later, _ = training.split(rows, label_seconds=0.0)
    alone = engines.Engine().fit("lightgbm", "classification", earlier, SCHEMA, {})
    here = predictor.load(alone.artifact, alone.suffix, expected_sha256=predictor.sha256(alone.artifact))
    losses = [-np.mean(np.log(np.where(later.labels == 1, one.predict(later.features), 1 - one.predict(later.features)))) for one in (model, here)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


@pytest.mark.django_db
def test_what_a_cluster_cannot_do_is_said_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownEstimator, match="the engine dask trains lightgbm alone, not prior: say --estimator lightgbm"):
        runs.run_request(kind="clustered", estimator="prior", engine="dask", now=NOW)
    with pytest.raises(engines.EngineUnavailable, match="there is no engine 'spark'; choose one of: local, dask"):
        runs.run_request(kind="clustered", engine="spark", now=NOW)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CommandError, match=r"\.venv/bin/uv pip install 'dask\[array,dataframe\]' distributed "):
        call_command("train", "clustered", "--engine", "dask")
    assert not TrainingRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_scheduler_that_does_not_answer_is_named_and_nothing_is_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(CommandError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        call_command("train", "clustered", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", stdout=StringIO())
    run = TrainingRun.objects.get()
    assert (run.state, run.engine, run.checkpoint["scheduler"]) == ("failed", "dask", "tcp://127.0.0.1:9")
    assert ModelVersion.objects.get().status == "failed"
