"""Who could have won the randomised slot, as it is stored with the decision: enough to rank them again by other scores.

A lot holds at most forty ads. Their rows differ in the columns of the ad alone, so the others are left to the row of the slot.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from adplatform.learning.schema import Matrix
from ads.decision.inventory import Inventory
from ads.decision.packing import packed, single, unpacked
from ads.decision.state import Decision, Floats

WORTHS = ("shown", "clicked", "completed")


class Stored(msgspec.Struct):
    """``shown``, ``clicked`` and ``completed`` are what that outcome of an impression is worth, micros, times what the auction
    multiplies values by: the score is ``shown + clicked * pCTR + completed * pVCR``. All packed, one value an ad."""

    slot: int
    ads: list[int]
    exploring: float
    level: list[int]
    pctr: str
    pvcr: str
    factor: str
    shown: str
    clicked: str
    completed: str
    columns: list[int]
    features: str

    def of(self, name: str) -> Floats:
        """One of the packed columns, float64 [ads]."""
        return unpacked(getattr(self, name), len(self.ads))

    def rows(self, served: Matrix) -> Matrix:
        """Features as served, float32 [ads, features]; ``served`` is the row of the ad that won the slot."""
        table = np.repeat(served[np.newaxis], len(self.ads), axis=0)
        table[:, self.columns] = np.frombuffer(a2b_base64(self.features), dtype="<f4").reshape(len(self.ads), len(self.columns))
        return table


def stored(inventory: Inventory, decision: Decision, rows: Mapping[int, Matrix]) -> dict[str, Any] | None:
    """Of a decision whose randomised slot was contested, with the feature ``rows`` of those who could have won by their rows of the
    inventory."""
    contest = decision.contest
    if contest is None:
        return None
    table = np.stack([rows[row] for row in contest.rows.tolist()])
    # NaN differs from everything, also from itself; two missing values are the same.
    differs = ((table != table[0]) & ~(np.isnan(table) & np.isnan(table[0]))).any(axis=0)
    columns = np.flatnonzero(differs)
    asked = np.searchsorted(decision.scored, contest.rows)
    lineup = inventory.lineup
    return {
        "slot": contest.slot,
        "ads": inventory.ad_id[contest.rows].tolist(),
        "exploring": contest.exploring,
        "level": contest.level.tolist(),
        "pctr": packed(decision.scores.pctr[asked]),
        "pvcr": packed(decision.scores.pvcr[asked]),
        "factor": packed(single(contest.factor)),
        **{name: packed(single(getattr(lineup, f"worth_{name}")[contest.rows] * contest.factor)) for name in WORTHS},
        "columns": columns.tolist(),
        "features": b2a_base64(np.ascontiguousarray(table[:, columns], dtype="<f4").tobytes(), newline=False).decode(),
    }
