"""When two questions are the same one: without their period, without courtesy, and but for slips of the keyboard. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz.distance import OSA

from insights.chat import dates
from insights.chat.text import stem

# What can be left out or put in without asking anything else. Nothing that negates, limits, counts or relates may stand here.
_COURTESY_WORDS = "please show tell give me us the a an our my is are was were do did does what whats can could you i we hi hello thanks"
COURTESY = frozenset(_COURTESY_WORDS.split())
SHORTEST_SLIP = 5


@dataclass(frozen=True)
class Pattern:
    """``said``: the stems that make the question. ``dated``: it names a period, or one to compare with."""

    said: tuple[str, ...]
    dated: bool


def pattern(words: Sequence[str], *, now: datetime) -> Pattern:
    """``words`` as `text.words` gives them; a slot such as ``{campaign}`` is a word like any other."""
    dated = _dated(words, now)
    return Pattern(tuple(stem(word) for index, word in enumerate(words) if index not in dated and word not in COURTESY), bool(dated))


def _dated(words: Sequence[str], now: datetime) -> set[int]:
    told = {index for found in dates.find_periods(words, now=now) for index in range(found.first, found.last)}
    at = 0
    while at < len(words):
        relative = None if at in told else dates.find_relative(words, at)
        told |= set(range(relative.first, relative.last)) if relative else set()
        at = relative.last if relative else at + 1
    return told


def same(asked: Pattern, stored: Pattern, *, known: Callable[[str], bool]) -> bool:
    """``known`` words are never slips of others: "clicks" is no slip of "clocks" where both are words here."""
    if asked.said == stored.said:
        return bool(asked.said)
    return len(asked.said) == len(stored.said) and all(
        one == other or _slip(one, other, known) for one, other in zip(asked.said, stored.said, strict=True)
    )


def _slip(asked: str, stored: str, known: Callable[[str], bool]) -> bool:
    if len(asked) < SHORTEST_SLIP or not asked.isalpha() or known(asked):
        return False
    return bool(OSA.distance(asked, stored) <= 1)


def slotted(words: Sequence[str], names: Mapping[tuple[str, ...], str]) -> Iterator[tuple[list[str], list[tuple[str, ...]]]]:
    """The words with a name put as its slot, longest names first, and the stems of what was there; nothing where no name is said."""
    stems = tuple(map(stem, words))
    out: list[str] = []
    taken: list[tuple[str, ...]] = []
    longest = max(map(len, names), default=0)
    at = 0
    while at < len(stems):
        width = next((width for width in range(min(longest, len(stems) - at), 0, -1) if stems[at : at + width] in names), 0)
        if width:
            taken.append(stems[at : at + width])
            out.append(names[stems[at : at + width]])
        else:
            out.append(words[at])
        at += width or 1
    if taken:
        yield out, taken
