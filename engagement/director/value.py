"""What attention each option of a boundary would be given, by the policy model that serves. Asked at every boundary of a live session.

Its figures are those of a bagged model: each bag learned from other sessions, so how far they are apart says how little is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adplatform.learning import registry
from adplatform.learning.metrics import Floats
from adplatform.learning.predictor import spread_of

from .lots import SCHEMA, Lot

KIND = "director"


@dataclass(frozen=True, slots=True)
class Valued:
    """``mean`` float64 [n options] and ``bags`` float64 [n options, bags]: share 0-1 of the scene at the next open place and of the
    one after it that would be watched at normal speed, as the model says it: a sum of trees may stray a little beyond. ``trials`` is
    how often chance tried each action in what was learned from."""

    mean: Floats
    bags: Floats
    version: int
    trials: Mapping[str, int]


def attention(lot: Lot) -> Valued | None:
    """None while no policy model serves, or the one that does was trained on another schema."""
    champion = registry.load_champion(KIND)
    if champion is None or champion.schema_fingerprint != SCHEMA.fingerprint():
        return None
    bags = spread_of(champion.predictor, lot.rows)
    return Valued(bags.mean(axis=1), bags, champion.version_number, champion.parameters.get("trials", {}))
