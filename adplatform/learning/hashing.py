"""Hashes that are the same in every process and on every machine, for ids and for crosses of values.

Ids become codes below 2**24, which float32 holds exactly, so a row of features carries them as it carries numbers. Two of a
thousand ids share a code about once in thirty inventories; the model then sees one ad in two places, and its other columns
still tell them apart.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ID_BITS = 24
ID_CODES = 1 << ID_BITS
WORD = (1 << 64) - 1
# The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output.
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_SHIFTS = tuple(np.uint64(shift) for shift in (30, 27, 31))
_FIRST, _SECOND = np.uint64(FIRST), np.uint64(SECOND)

Words = NDArray[np.uint64]


def mix(words: Words) -> Words:
    """uint64 of any shape, each word mixed by itself; the input is left as it was."""
    mixed = words ^ (words >> _SHIFTS[0])
    mixed *= _FIRST
    mixed ^= mixed >> _SHIFTS[1]
    mixed *= _SECOND
    mixed ^= mixed >> _SHIFTS[2]
    return mixed


def mix_one(word: int) -> int:
    """The same for one word."""
    word = (word ^ (word >> 30)) * FIRST & WORD
    word = (word ^ (word >> 27)) * SECOND & WORD
    return word ^ (word >> 31)


@lru_cache(maxsize=65_536)
def of_text(text: str) -> int:
    """A 64-bit word for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def id_code(value: int | str) -> float:
    """The code of one id, a whole number below `ID_CODES`."""
    word = of_text(value) if isinstance(value, str) else mix_one(value & WORD)
    return float(word >> (64 - ID_BITS))


def id_codes(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """The codes of whole-number ids, [n]."""
    return (mix(values.astype(np.uint64)) >> np.uint64(64 - ID_BITS)).astype(np.float64)
