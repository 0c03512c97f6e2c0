"""What a training run may keep of its way, so that a run whose process died goes on instead of beginning again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from adplatform.models import ModelVersion

from ..estimators import Fitted
from ..schema import Matrix
from .dataset import Dataset


class Checkpoint(Protocol):
    """Each step is handed what makes its result, and answers with that or with what an earlier attempt made."""

    def dataset(self, load: Callable[[], Dataset]) -> Dataset: ...

    def version(self, register: Callable[[], ModelVersion]) -> ModelVersion: ...

    def fitted(self, fit: Callable[[], Fitted], later: Matrix) -> Fitted:
        """``later`` are the rows on which the run will ask the fitted model itself: a model that was kept answers for these alone."""
        ...


class NothingKept:
    """A run that nobody resumes."""

    def dataset(self, load: Callable[[], Dataset]) -> Dataset:
        return load()

    def version(self, register: Callable[[], ModelVersion]) -> ModelVersion:
        return register()

    def fitted(self, fit: Callable[[], Fitted], later: Matrix) -> Fitted:
        return fit()
