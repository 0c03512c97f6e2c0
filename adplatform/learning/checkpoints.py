"""What a training run keeps of its way: its rows, its fitted model and its version, as files named by their hash.

Whatever cannot be read back as it was stored is made again: a checkpoint saves time and decides nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from numpy.typing import NDArray

from adplatform.models import ModelVersion, TrainingRun

from . import artifacts
from .estimators import Fitted
from .predictor import ArtifactRefused, Predictions, sha256
from .schema import Matrix
from .training import Dataset

log = structlog.get_logger(__name__)

ARRAYS = ".npz"
GROUPS = "groups/"


class KeptCheckpoint:
    """The checkpoint of one run, in its row; see `training.Checkpoint`."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run

    def dataset(self, load: Callable[[], Dataset]) -> Dataset:
        kept = self._read("rows")
        if kept is not None:
            return unpacked(kept)
        dataset = load()
        self._keep(rows=_stored(packed(dataset), ARRAYS))
        return dataset

    def version(self, register: Callable[[], ModelVersion]) -> ModelVersion:
        """The same version goes on, so that a run that was resumed leaves one row and not two."""
        number = self.run.checkpoint.get("version")
        version = ModelVersion.objects.filter(kind=self.run.kind, number=number, artifact="").first() if number else None
        if version is None:
            version = register()
            self._keep(version=version.number)
        else:
            ModelVersion.objects.filter(pk=version.pk).update(status=ModelVersion.Status.TRAINING, verdict="Training goes on")
        return version

    def fitted(self, fit: Callable[[], Fitted], later: Matrix) -> Fitted:
        asked = sha256(np.ascontiguousarray(later).tobytes())
        kept = self._read("fitted")
        if kept is not None and self.run.checkpoint["fitted"]["asked"] == asked:
            return _restored(kept)
        fitted = fit()
        self._keep(fitted={**_stored(_packed_model(fitted, later), ARRAYS), "asked": asked})
        return fitted

    def clear(self) -> None:
        """The run is over: its files are of no use any more, its version has what it needs."""
        for name in ("rows", "fitted"):
            if name in self.run.checkpoint:
                (Path(settings.MODELS_DIR) / self.run.checkpoint[name]["path"]).unlink(missing_ok=True)

    def _read(self, name: str) -> bytes | None:
        entry = self.run.checkpoint.get(name)
        if entry is None:
            return None
        try:
            return artifacts.read_artifact(entry["path"], entry["sha256"], of=f"the run {self.run}")
        except ArtifactRefused as error:
            log.warning("checkpoint made again", run=self.run.key, part=name, reason=str(error))
            return None

    def _keep(self, **entries: Any) -> None:
        self.run.checkpoint = {**self.run.checkpoint, **entries}
        TrainingRun.objects.filter(pk=self.run.pk).update(checkpoint=self.run.checkpoint)


def packed(dataset: Dataset) -> bytes:
    """Every array of a dataset in one file; the same rows give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(dataset):
        value = getattr(dataset, field.name)
        if isinstance(value, Mapping):
            arrays |= {f"{field.name}/{name}": _plain(column) for name, column in value.items()}
        elif value is not None:
            arrays[field.name] = _plain(value)
    return _as_file(arrays)


def unpacked(content: bytes) -> Dataset:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        groups = {name.removeprefix(GROUPS): arrays[name] for name in arrays.files if name.startswith(GROUPS)}
        return Dataset(**{name: arrays[name] for name in arrays.files if not name.startswith(GROUPS)}, groups=groups)


def _packed_model(fitted: Fitted, later: Matrix) -> bytes:
    """Bytes and arrays of a fitted model as they are, what it says of the later rows in place of the model itself, and the rest as JSON."""
    arrays: dict[str, NDArray[Any]] = {"native": fitted.native(later)}
    plain: dict[str, Any] = {}
    for field in fields(fitted):
        value = getattr(fitted, field.name)
        if isinstance(value, bytes):
            arrays[f"bytes/{field.name}"] = np.frombuffer(value, dtype=np.uint8)
        elif isinstance(value, np.ndarray):
            arrays[f"array/{field.name}"] = value
        elif field.name != "native":
            plain[field.name] = dict(value) if isinstance(value, Mapping) else value
    arrays["plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    return _as_file(arrays)


def _restored(content: bytes) -> Fitted:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        said: Predictions = arrays["native"]
        values: dict[str, Any] = json.loads(arrays["plain"].tobytes())
        values |= {name.removeprefix("bytes/"): arrays[name].tobytes() for name in arrays.files if name.startswith("bytes/")}
        values |= {name.removeprefix("array/"): arrays[name] for name in arrays.files if name.startswith("array/")}
    return Fitted(native=lambda later: said, **values)


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    """Arrays of objects would have to be pickled."""
    return column.astype(np.str_) if column.dtype == object else column


def _as_file(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _stored(content: bytes, suffix: str) -> dict[str, str]:
    path, digest = artifacts.store_artifact(content, suffix)
    return {"path": path, "sha256": digest}
