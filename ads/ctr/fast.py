"""A linear click model over a whole line-up, without building rows: equal to what it says of the rows.

What the ads bring of themselves is summed once an inventory, what their counters say once a state of the counters; a request
adds its own part, the crosses of both, and what its viewer has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from adplatform.learning.hashed import HashedLogistic, Items
from adplatform.learning.schema import Matrix
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Lineup

from . import features
from .features import Smoothed

SEEN = ("seen_ad", "seen_campaign")
# Champion and challenger of clicks and of completed views, and as many that were swapped out a moment ago.
MOST_MODELS = 8


@dataclass(frozen=True, slots=True)
class _Ready:
    """One line-up, ready to be scored by one model at one state of the counters. ``counted`` holds, for each genre, what the
    columns add that an ad has whatever the request."""

    items: Items
    smoothed: Smoothed
    counted: dict[int, Floats]

    def of_ads(self, rates: Mapping[str, Floats]) -> Floats:
        genre = self.smoothed.genre_category(rates)
        known = self.counted.get(id(genre))
        if known is None:
            if len(self.counted) > len(features.GENRES):
                self.counted.clear()
            own = {**features.of_lineup(self.smoothed.lineup), **self.smoothed.columns, "genre_category_click_rate": genre}
            known = self.items.fixed + _linear(self.items.model, own, consent=False)
            self.counted[id(genre)] = known
        return known


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one request brings of itself, the same for the models of clicks and of completed views: its columns, and as a row."""

    request: AdRequest
    rates: Mapping[str, Floats]
    columns: Mapping[str, object]
    row: Matrix


_asked: _Asked | None = None
_ready: WeakKeyDictionary[Lineup, dict[int, _Ready]] = WeakKeyDictionary()


def logits(model: HashedLogistic, request: AdRequest, candidates: Candidates) -> Floats:
    """Log-odds of a click, float64 [n]: what ``model.predict`` says of the candidates' rows."""
    lineup, rates = candidates.lineup, candidates.rates
    ready = _get_ready(model, lineup, features.smooth(lineup, rates))
    rows = None if len(candidates) == len(lineup) else candidates.rows
    asked = _get_asked(request, rates)
    total = ready.items.crosses(rows, asked.row)
    known = ready.of_ads(rates)
    total = total + (known if rows is None else known[rows]) + _linear(model, asked.columns, consent=request.consent)
    return total + _linear(model, {name: _seen(getattr(candidates, name)) for name in SEEN}, consent=request.consent)


def _get_asked(request: AdRequest, rates: Mapping[str, Floats]) -> _Asked:
    global _asked
    asked = _asked
    if asked is None or asked.request is not request or asked.rates is not rates:
        columns = features.of_request(request)
        shared = {name: value.item() for name, value in features.of_counters(rates).items()}
        row = features.SCHEMA.matrix(columns, 1, consent=request.consent)
        _asked = asked = _Asked(request, rates, {**columns, **shared}, row)
    return asked


def _get_ready(model: HashedLogistic, lineup: Lineup, smoothed: Smoothed) -> _Ready:
    models = _ready.setdefault(lineup, {})
    ready = models.get(id(model))
    if ready is None or ready.items.model is not model:
        if len(models) >= MOST_MODELS:
            models.clear()
        ready = models[id(model)] = _Ready(model.items(features.of_lineup(lineup)), smoothed, {})
    elif ready.smoothed is not smoothed:
        ready = models[id(model)] = _Ready(ready.items, smoothed, {})
    return ready


def _seen(times: np.ndarray) -> Floats | float:
    """Most viewers have seen none of the candidates: then one number stands for all."""
    return times.astype(np.float64) if times.any() else 0.0


def _linear(model: HashedLogistic, columns: Mapping[str, object], *, consent: bool) -> Floats | float:
    return model.linear(features.SCHEMA.numbers(columns, model.numbers, consent=consent))
