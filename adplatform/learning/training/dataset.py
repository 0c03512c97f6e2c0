"""Rows to learn from, and which of them are for judging."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import Floats
from ..schema import Matrix

TEST_SHARE = 0.2
# Of units that return day after day: so much of the time, and of the units, is for judging.
RETURNING_TEST_SHARE = 0.4


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


def split_returning(dataset: Dataset, *, label_seconds: float) -> tuple[Dataset, Dataset, float]:
    """As `split`, for units that have rows all along, such as viewers: some of them, drawn by a hash of their names, are for judging, by
    their rows after the cut; the model learns from the others, by rows whose labels were known at the cut. What is neither is left out."""
    first, last = float(dataset.at[0]), float(dataset.at[-1])
    known = first + label_seconds
    cut = known + (last - known) * (1 - RETURNING_TEST_SHARE)
    names, unit = np.unique(dataset.session, return_inverse=True)
    judged = np.array([_lot(str(name)) < RETURNING_TEST_SHARE for name in names])[unit]
    later = judged & (dataset.at >= cut)
    earlier = ~judged & (dataset.at + label_seconds < cut)
    return dataset.take(earlier), dataset.take(later), cut


def _lot(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
