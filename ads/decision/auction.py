"""What a candidate is worth, how it ranks, and what its winner pays. Values and prices are micros per impression unless named otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .inventory import CPC, CPCV, CPM, SPONSORSHIP, Inventory
from .packing import single
from .state import Candidates, Floats, Ints, Mask

# The reserve where a request names none: 1.00 per thousand impressions.
RESERVE_MICROS = 1_000
# Columns of the online counters (`adplatform.learning.online.COUNTERS`).
IMPRESSIONS, COMPLETES, ERRORS = 0, 2, 4
# Completed views per impression before anything was counted, and how many impressions the rate of the level above is worth.
FIRST_COMPLETION_RATE, CATEGORY_STRENGTH, AD_STRENGTH = 0.8, 400.0, 200.0
# Showings that play without an error, before anything was counted.
FIRST_SOUND_RATE = 0.99
LEAST_QUALITY, MOST_QUALITY = 0.5, 1.5
# Of a house ad's seconds, so much is left to chance: ads of one length take turns, and longer ones still come first.
HOUSE_CHANCE = 0.1


@dataclass(frozen=True, slots=True)
class Offers:
    """What every scored ad offers for an impression, arrays [n] aligned with ``rows`` of the inventory, ascending.

    ``score`` = ``value`` x ``quality`` x ``multiplier`` ranks it within its tier and priority.
    """

    rows: Ints
    pctr: Floats
    pvcr: Floats
    value: Floats
    quality: Floats
    multiplier: Floats
    score: Floats


def values(candidates: Candidates, pctr: Floats, pvcr: Floats) -> Floats:
    """Expected revenue of one impression: bid/1000 (CPM), bid x pCTR (CPC) or bid x pVCR (CPCV)."""
    lineup, rows = candidates.lineup, candidates.rows
    worth: Floats = lineup.worth_shown[rows] + lineup.worth_clicked[rows] * pctr + lineup.worth_completed[rows] * pvcr
    return worth


@dataclass(frozen=True, slots=True)
class _Judged:
    """The quality of every ad of a line-up, and the counters that it was found from."""

    ad: Floats
    category: Floats
    quality: Floats


_judged = _Judged(*(np.zeros((0, 0)),) * 3)


def quality(candidates: Candidates) -> Floats:
    """How well an ad plays and holds its viewers, against its category: 1 is as the category does, and nobody leaves 0.5 to 1.5.

    The ratio of smoothed completion rates, times that of smoothed shares that played without an error: an ad that fails before its
    first frame never becomes an impression, so that its completions would not tell.
    Found for all ads when their counters have changed, which they do less often than breaks are asked for.
    """
    global _judged
    ad, category = candidates.rates.get("ad"), candidates.rates.get("category")
    if ad is None or category is None:
        return np.ones(len(candidates))
    kept = _judged
    if kept.ad is not ad or kept.category is not category:
        usual = _rate(category, FIRST_COMPLETION_RATE, CATEGORY_STRENGTH)
        sound = _sound(category, FIRST_SOUND_RATE, CATEGORY_STRENGTH)
        ratio = _rate(ad, usual, AD_STRENGTH) / usual * _sound(ad, sound, AD_STRENGTH) / sound
        _judged = kept = _Judged(ad, category, single(np.clip(ratio, LEAST_QUALITY, MOST_QUALITY)))
    return kept.quality[candidates.rows]


def _rate(counts: Floats, prior: Floats | float, strength: float) -> Floats:
    rate: Floats = (counts[:, COMPLETES] + strength * prior) / (counts[:, IMPRESSIONS] + strength)
    return rate


def _sound(counts: Floats, prior: Floats | float, strength: float) -> Floats:
    """The smoothed share of showings and failures that were no failure."""
    tried = counts[:, IMPRESSIONS] + counts[:, ERRORS]
    rate: Floats = (counts[:, IMPRESSIONS] + strength * prior) / (tried + strength)
    return rate


def admitted(inventory: Inventory, flights: Mask, draw: float) -> Mask:
    """Which of the sponsorships in ``flights`` have their turn in this break; ``draw`` is uniform in 0-1.

    Their shares of voice are laid end to end and struck at draw, draw + 1, draw + 2, ...: each has exactly its share of the
    breaks it matches, and as few as possible of them meet in one break (systematic sampling, Madow 1949).
    """
    share = np.where(flights & (inventory.tier == SPONSORSHIP), inventory.share_of_voice, 0.0)
    borders = np.ceil(np.concatenate([[0.0], np.cumsum(share)]) - draw)
    struck: Mask = borders[1:] > borders[:-1]
    return struck


def house_scores(inventory: Inventory, rows: Ints, rng: Generator) -> Floats:
    """Nobody pays for a house ad, so among them whoever fills more of the break leads, and equals take turns by lot."""
    return inventory.ad_duration[rows] * (1.0 - HOUSE_CHANCE * rng.random(len(rows)))


def impression_price(own_value: float, own_multiplier: float, runner_up: float, *, reserve: int = RESERVE_MICROS) -> int:
    """max(reserve, min(own value, runner-up's score / own multiplier)), floored to whole micros: the least with which it would
    still have stood before the runner-up. Whoever is worth less than the reserve does not take part."""
    needed = runner_up / own_multiplier if own_multiplier > 0 else math.inf
    return max(reserve, math.floor(min(own_value, needed)))


def event_price(pricing: int, bid_micros: float, price_micros: int, pctr: float, pvcr: float) -> int:
    """What one chargeable event costs when an impression is worth ``price_micros``; never above the bid."""
    if pricing == CPM:
        return min(price_micros, math.floor(bid_micros / 1000.0))
    rate = pctr if pricing == CPC else pvcr
    return min(math.floor(price_micros / rate), math.floor(bid_micros)) if rate > 0 else math.floor(bid_micros)


def hold(pricing: int, event_price_micros: int, pctr: float) -> int:
    """What to reserve until the impression settles. A click is rare, so its hold is the expected charge, at least one micro."""
    if pricing == CPC and event_price_micros > 0:
        return max(1, math.ceil(event_price_micros * pctr))
    return event_price_micros


__all__ = [
    "CPC", "CPCV", "CPM", "RESERVE_MICROS", "Offers", "admitted", "event_price", "hold", "house_scores", "impression_price", "quality", "values",
]  # fmt: skip
