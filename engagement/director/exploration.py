"""Chance at boundaries: at a small, known share of them any option is drawn, so that the others can be learned from. Pure.

The draw of a boundary follows from a secret and the boundary's name. Whoever decides the boundary again, in whatever process, draws the
same; nobody without the secret can tell what is drawn.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

# More than this would cost viewers more than it teaches.
MOST_EXPLORATION = 0.10


@dataclass(frozen=True, slots=True)
class Draw:
    """Two independent uniform numbers of [0, 1): whether an option is drawn by chance, and which."""

    whether: float
    which: float


def draw(salt: str, session: uuid.UUID, epoch: int, scene: int, trigger: str) -> Draw:
    name = f"{session}|{epoch}|{scene}|{trigger}".encode()
    digest = hashlib.blake2b(name, key=hashlib.sha256(salt.encode()).digest(), digest_size=16, person=b"director").digest()
    whether, which = (int.from_bytes(half, "big") >> 11 for half in (digest[:8], digest[8:]))
    return Draw(whether / 2**53, which / 2**53)


def drawn(chance: Draw, count: int, greedy: int, share: float) -> tuple[int, bool]:
    """The option to take of ``count``, and whether chance chose it: ``greedy`` except at ``share`` of the boundaries, where each is as
    likely. Raises ValueError for a share beyond `MOST_EXPLORATION`."""
    if not 0 <= share <= MOST_EXPLORATION:
        raise ValueError(f"explore at 0 to {MOST_EXPLORATION:.0%} of the boundaries, not at {share:.0%}")
    if count < 2 or chance.whether >= share:
        return greedy, False
    return int(chance.which * count), True


def propensities(count: int, greedy: int, share: float) -> list[float]:
    """The chance with which `drawn` takes each option."""
    if count < 2:
        return [1.0] * count
    return [share / count + (1 - share) * (index == greedy) for index in range(count)]
