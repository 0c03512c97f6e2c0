"""What was predicted for every ad in every logged break, as far as it was: from decisions that scored it, and from others of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ads.decision.auction import FIRST_COMPLETION_RATE
from ads.decision.inventory import Inventory
from ads.decision.request import AdRequest
from ads.decision.state import Floats, Ints

# Clicks per impression where nothing was ever predicted.
FIRST_CLICK_RATE = 0.01


@dataclass(frozen=True)
class Scored:
    """One logged decision's scores: on which ``device``, of which ``ads`` (ids), and the click, the completed view and the quality of each."""

    device: str
    ads: Ints
    pctr: Floats
    pvcr: Floats
    quality: Floats


@dataclass(frozen=True)
class Responses:
    """``pctr`` and ``pvcr`` [m, ads] for each request and ad of an inventory, ``quality`` [ads]."""

    pctr: Floats
    pvcr: Floats
    quality: Floats


def responses(inventory: Inventory, requests: Sequence[AdRequest], scored: Sequence[Scored], rng: Generator) -> Responses:
    """Each request is given what was predicted in one logged decision, of the same device where there is one: whoever clicks more
    does so on every ad. An ad that was not scored there has its mean, as far above or below it as that decision's others are; one that
    never was scored has that of its category."""
    known = _matrix(inventory, scored)
    means = [_means(inventory, values, first) for values, first in zip(known[:2], (FIRST_CLICK_RATE, FIRST_COMPLETION_RATE), strict=True)]
    quality = _means(inventory, known[2], 1.0)
    if not scored:
        pctr, pvcr = (np.tile(mean, (len(requests), 1)) for mean in means)
        return Responses(pctr, pvcr, quality)
    of_device: dict[str, list[int]] = {}
    for number, one in enumerate(scored):
        of_device.setdefault(one.device, []).append(number)
    everything = list(range(len(scored)))
    draws = rng.random(len(requests))
    pools = [of_device.get(request.device, everything) for request in requests]
    source = np.array([pool[int(draw * len(pool))] for pool, draw in zip(pools, draws.tolist(), strict=True)], dtype=np.int64)
    full = [_filled(values, mean) for values, mean in zip(known[:2], means, strict=True)]
    return Responses(np.minimum(full[0][source], 1.0), np.minimum(full[1][source], 1.0), quality)


def _matrix(inventory: Inventory, scored: Sequence[Scored]) -> list[Floats]:
    """Clicks, views and quality [scored, ads]; NaN where an ad was not scored."""
    found = [np.full((len(scored), len(inventory.ads)), np.nan) for _ in range(3)]
    ids = inventory.ad_id
    for number, one in enumerate(scored):
        place = np.minimum(np.searchsorted(ids, one.ads), max(len(ids) - 1, 0))
        here = ids[place] == one.ads
        for values, told in zip(found, (one.pctr, one.pvcr, one.quality), strict=True):
            values[number, place[here]] = told[here]
    return found


def _means(inventory: Inventory, values: Floats, first: float) -> Floats:
    told = ~np.isnan(values)
    counts, sums = told.sum(axis=0), np.where(told, values, 0.0).sum(axis=0)
    categories = len(inventory.categories)
    of_category = (
        np.bincount(inventory.ad_category, weights=counts, minlength=categories),
        np.bincount(inventory.ad_category, weights=sums, minlength=categories),
    )
    overall = sums.sum() / counts.sum() if counts.sum() else first
    kind = np.where(of_category[0] > 0, of_category[1] / np.maximum(of_category[0], 1), overall)[inventory.ad_category]
    found: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), kind)
    return found


def _filled(values: Floats, mean: Floats) -> Floats:
    told = ~np.isnan(values)
    ratio = np.where(told, values / np.maximum(mean, 1e-12), 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    ratio[~told.any(axis=1)] = 1.0
    found: Floats = np.where(told, values, mean * ratio[:, None])
    return found
