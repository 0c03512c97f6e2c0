"""A linear click model over a whole line-up: what the ads bring of themselves is summed once an inventory, the rest at each request."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from adplatform.learning.hashed import HashedLogistic, Items
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Lineup

from . import features

_ready: WeakKeyDictionary[Lineup, Items] = WeakKeyDictionary()


def logits(model: HashedLogistic, request: AdRequest, candidates: Candidates, counted: Mapping[str, Floats]) -> Floats:
    """Log-odds of a click, float64 [n]: what ``model.predict`` says of the candidates' rows, without building them."""
    own = features.of_lineup(candidates.lineup)
    items = _ready.get(candidates.lineup)
    if items is None or items.model is not model:
        items = _ready[candidates.lineup] = model.items(own)
    rows = None if len(candidates) == len(candidates.lineup) else candidates.rows
    asked = features.of_request(request)
    total = items.logits(rows, features.SCHEMA.matrix(asked, 1, consent=request.consent))
    numbers = {**asked, **{name: values if rows is None else values[rows] for name, values in own.items()}, **counted}
    return total + model.linear(features.SCHEMA.numbers(numbers, model.numbers, consent=request.consent))
