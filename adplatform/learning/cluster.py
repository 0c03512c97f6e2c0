"""Boosted trees grown on a Dask cluster: each day's rows are a Parquet file, each worker reads its own days and finds splits together
with the others (LightGBM's data-parallel learning). What comes back are plain trees, exported and judged like any others.

The folder of the files must be the same place for all machines of the cluster. How rows lie on workers is Dask's to decide, so
two trainings on the same rows may differ in the last digits, unlike those of one machine.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from .calibration import Floats, thinned
from .engines import DASK, EngineUnavailable
from .estimators import boosted, trees
from .estimators.base import CLASSIFICATION, Fitted
from .estimators.boosted import Boosted, Setting
from .estimators.fitting import SEED, Curve, Rows, later_rows
from .schema import FeatureSchema
from .training.dataset import Dataset

# Of a cluster of one's own, where no scheduler is named.
WORKERS = 2
CONNECT_SECONDS, WORKER_SECONDS = 15, 60
DAY_SECONDS = 86_400
LABEL, START = "label", "start"


def fit(task: str, earlier: Dataset, schema: FeatureSchema, parameters: Mapping[str, Any], *, scheduler: str = "") -> Fitted:
    """LightGBM on the cluster at ``scheduler`` (``tcp://host:port``), by default on one of this machine alone. Raises EngineUnavailable."""
    asked = {**boosted.BOOSTED, **parameters}
    days = (earlier.at // DAY_SECONDS).astype(np.int64)
    kept = thinned(earlier.labels, float(asked["negatives"]), SEED) if task == CLASSIFICATION else np.ones(len(earlier), dtype=bool)
    unseen = later_rows(earlier.labels, task)
    with _client(scheduler) as client, _folder() as folder:

        def grow(setting: Setting, rows: Rows, later: Rows | None, rounds: int) -> Boosted:
            # The rows that `fit_by_rounds` hands on, of which it does not know the days.
            mine = days[kept if later is None or unseen is None else kept & ~unseen]
            files = export(folder, setting, rows, mine)
            return _grown(_trained(client, files, setting, rounds), setting, rows, later)

        fitted = boosted.tasks(grow)[task].fit(earlier.features, earlier.labels, schema, asked)
        workers = len(client.scheduler_info()["workers"])
    return Fitted(fitted.artifact, fitted.suffix, fitted.native, fitted.importance, {**fitted.notes, "engine": f"{DASK}, {workers} workers"})


def export(folder: Path, setting: Setting, rows: Rows, days: NDArray[np.int64]) -> list[tuple[Path, int]]:
    """One Parquet file for each day: the columns the trees may ask about, the label, and where each row starts in log-odds; (path, rows)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    own, start = setting.own(rows.features), rows.margin + setting.start(rows)
    files = []
    for day in np.unique(days).tolist():
        mine = days == day
        columns = {f"x{place:03d}": own[mine, place] for place in range(own.shape[1])} | {LABEL: rows.labels[mine], START: start[mine]}
        path = folder / f"{np.datetime64(day, 'D')}.parquet"
        pq.write_table(pa.table(columns), path)
        files.append((path, int(mine.sum())))
    return files


def _trained(client: Any, files: list[tuple[Path, int]], setting: Setting, rounds: int) -> Any:
    """The fitted booster."""
    import dask
    import dask.array as da
    import lightgbm

    def table(path: str) -> Any:
        # Nested, so that it travels as code: workers need pyarrow and numpy, not this package.
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path, memory_map=False)

    def matrix(read: Any) -> Any:
        import numpy

        return numpy.column_stack([read[name].to_numpy() for name in read.column_names if name.startswith("x")])

    def column(read: Any, name: str) -> Any:
        return read[name].to_numpy()

    parts = [(dask.delayed(table)(str(path)), count) for path, count in files]
    width = len(setting.columns)
    features = da.concatenate([da.from_delayed(dask.delayed(matrix)(part), (count, width), np.float32) for part, count in parts])
    labels, start = (
        da.concatenate([da.from_delayed(dask.delayed(column)(part, name), (count,), np.float64) for part, count in parts]) for name in (LABEL, START)
    )
    asked = setting.parameters
    kind = lightgbm.DaskLGBMClassifier if setting.classifies else lightgbm.DaskLGBMRegressor
    model = kind(
        client=client, n_estimators=rounds, learning_rate=asked["learning_rate"], num_leaves=asked["leaves"], min_child_samples=setting.leaf,
        reg_lambda=asked["l2"], min_child_weight=1e-3, colsample_bytree=asked["column_share"], random_state=asked["seed"], tree_learner="data",
        boost_from_average=False, verbosity=-1,
    )  # fmt: skip
    with warnings.catch_warnings():
        # That it sets ports and threads itself, and parameters it takes by another name.
        warnings.simplefilter("ignore", UserWarning)
        model.fit(features, labels, init_score=start)
    return model.booster_


def _grown(booster: Any, setting: Setting, rows: Rows, later: Rows | None) -> Boosted:
    """As many trees as are best on the later rows: a cluster cannot stop early, so it is looked up afterwards."""
    start, last = setting.start(rows), booster.current_iteration()
    losses = [] if later is None else _losses(booster, setting, later, start, last)
    best = int(np.argmin(losses)) + 1 if losses else last

    def native(features: Any) -> Floats:
        return np.asarray(booster.predict(setting.own(features), raw_score=True, num_iteration=best, num_threads=1)) + start

    grown = trees.of_lightgbm(booster.dump_model(num_iteration=best), setting.columns)
    return Boosted(grown, start, best, Curve("round", (), tuple(losses)), native)


def _losses(booster: Any, setting: Setting, later: Rows, start: float, rounds: int) -> list[float]:
    """Log loss, or mean squared error, of the later rows after each round."""
    own, raw, found = setting.own(later.features), later.margin + start, []
    for number in range(rounds):
        raw = raw + booster.predict(own, raw_score=True, start_iteration=number, num_iteration=1, num_threads=1)
        if setting.classifies:
            found.append(float(np.mean(np.logaddexp(0.0, raw) - later.labels * raw)))
        else:
            found.append(float(np.mean((later.labels - raw) ** 2)))
    return found


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.WARNING)
    if not scheduler:
        with (
            LocalCluster(n_workers=WORKERS, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineUnavailable(f"no Dask scheduler answers at {scheduler}: start one with `dask scheduler`, or leave --scheduler out") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise EngineUnavailable(f"the Dask scheduler at {scheduler} has no workers: start some with `dask worker {scheduler}`") from error
        yield client


@contextmanager
def _folder() -> Iterator[Path]:
    """For this training alone."""
    parent = Path(settings.DASK_DIR)
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rows-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
