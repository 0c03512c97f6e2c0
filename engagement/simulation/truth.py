"""The true probabilities behind a synthetic audience, kept in files under the var folder and never in a table.

Models may not see them. What may leave is one aggregate: how well the best possible model would have done (the ceiling).
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

CLICK = "click"
COMPLETE = "complete"
STAY = "stay"
# Of what the models of watching are asked: the chance of leaving within fifteen seconds, and the expected share of this scene and the
# next one that is watched at normal speed. By session and `moment`.
LEAVE = "leave"
ENGAGEMENT = "engagement"
_SECONDS = 1000


class TruthFile:
    """Appends ``kind, id, slot, probability`` lines; ``id`` is the decision of a click or a completed view, and the session of a stay
    (``slot`` counts its scenes, from 1), of leaving and of engagement (``slot`` is the `moment`; `expected` has their closed forms)."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.csv"
        self._handle: TextIO | None = None

    def __enter__(self) -> TruthFile:
        self._handle = self.path.open("a", newline="")
        self._writer = csv.writer(self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle:
            self._handle.close()

    def add(self, kind: str, of: uuid.UUID, slot: int, probability: float) -> None:
        self._writer.writerow([kind, of, slot, f"{probability:.6f}"])


def probabilities(folder: Path, kind: str, wanted: Iterable[tuple[uuid.UUID, int]]) -> Mapping[tuple[uuid.UUID, int], float]:
    """The true probabilities of the wanted (id, slot) pairs that the files know."""
    keys = {(str(of), str(slot)): (of, slot) for of, slot in wanted}
    found: dict[tuple[uuid.UUID, int], float] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as handle:
            for row_kind, of, slot, probability in csv.reader(handle):
                key = keys.get((of, slot))
                if key is not None and row_kind == kind:
                    found[key] = float(probability)
    return found


def of_slots(folder: Path, kind: str, keys: NDArray[np.str_]) -> NDArray[np.float64]:
    """The true probability of a click or a completed view of each ``decision/slot``, NaN for those the files do not know."""
    wanted = [(uuid.UUID(key.split("/")[0]), int(key.split("/")[1])) for key in keys.tolist()]
    found = probabilities(folder, kind, wanted)
    return np.array([found.get(key, np.nan) for key in wanted])


def moment(place: int, into: float = 0.0) -> int:
    """The slot of ``into`` seconds (0, 5, 10 and so on) into the scene that is the ``place``-th of the playback, from 1."""
    return place * _SECONDS + round(into)


def of_moments(folder: Path, kind: str, keys: NDArray[np.str_]) -> NDArray[np.float64]:
    """What is true of each ``session/place/seconds``, NaN for those the files do not know."""
    wanted = [(uuid.UUID(session), moment(int(place), float(into))) for session, place, into in (key.split("/") for key in keys.tolist())]
    found = probabilities(folder, kind, wanted)
    return np.array([found.get(key, np.nan) for key in wanted])
