"""Rows to learn from, and which of them are for judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import Floats
from ..schema import Matrix

TEST_SHARE = 0.2


class NotEnoughData(ValueError):
    """Nothing was trained; the message says what is missing."""


@dataclass(frozen=True)
class Dataset:
    """Rows in order of time: features float32 [n, f], labels float64 [n], ``at`` Unix seconds when the row's features were
    served, ``session`` the playback session, ``synthetic`` whether the simulated audience made it. ``keys`` name the rows
    for those who know their true probabilities, see `register_truth`. ``groups`` name what each row belongs to, for figures by
    group (``advertiser``, ``device``). ``served`` is what the model of version ``served_by`` predicted when the row was served,
    NaN and 0 where the smoothed rate answered. ``weights`` are how much each row counts in the fit, where they do not count alike."""

    features: Matrix
    labels: Floats
    at: Floats
    session: NDArray[Any]
    synthetic: NDArray[np.bool_]
    keys: NDArray[Any] | None = None
    groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    served: Floats | None = None
    served_by: NDArray[np.int64] | None = None
    weights: Floats | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, mask: NDArray[np.bool_]) -> Dataset:
        def of(column: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if column is None else column[mask]

        return replace(
            self, features=self.features[mask], labels=self.labels[mask], at=self.at[mask], session=self.session[mask],
            synthetic=self.synthetic[mask], keys=of(self.keys), groups={name: column[mask] for name, column in self.groups.items()},
            served=of(self.served), served_by=of(self.served_by), weights=of(self.weights),
        )  # fmt: skip


def split(dataset: Dataset, *, label_seconds: float, share: float = TEST_SHARE) -> tuple[Dataset, Dataset, float]:
    """(earlier, later, cut): the last ``share`` of the sessions is for judging. No session is on both sides, and no
    training row's label can come from after the cut. ``cut`` in Unix seconds."""
    names, first_row, session = np.unique(dataset.session, return_index=True, return_inverse=True)
    started = dataset.at[first_row]
    cut = float(np.sort(started)[int(len(names) * (1 - share))])
    is_later = started[session] >= cut
    earlier = ~is_later & (dataset.at + label_seconds < cut)
    return dataset.take(earlier), dataset.take(is_later), cut
