"""Words that judge (rose, higher, best) and figures worked out from cells, each with the check or the sum that backs it.

A formula is written as it is backed: ``r3.ctr`` (a cell), ``growth(r1.ctr)`` (a figure worked out), ``rose(r1.ctr)`` (a word and what must
hold for it). Rows count from 1, as in the placeholders of ``grounding``. Nothing here can be said of a value that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE

from .facts import Facts, magnitude, shown
from .text import clean

Kind = Literal["figure", "date", "name", "label", "period", "direction", "comparison", "superlative"]
CELL = re.compile(r"r([1-9][0-9]{0,3})\.([a-z_][a-z0-9_]*)")
CALL = re.compile(r"([a-z_]+)\(\s*([a-z0-9_., ]*?)\s*\)")


class Ungrounded(ValueError):
    """The text says something that is no cell of the result and follows from none."""


@dataclass(frozen=True)
class Word:
    """``what`` must hold: a change over time, a comparison of two cells, or the extreme of a column; in which direction (1, -1, 0: neither);
    ``judged``: the direction is good or bad, so it turns with the measure."""

    what: Literal["change", "comparison", "extreme"]
    sign: int
    judged: bool = False


_WORDS: dict[tuple[str, int, bool], str] = {
    ("change", 1, False): (
        "up rose risen rise rises rising increase increased increases increasing grew grown grow grows growing gained gains climbed "
        "climb climbs climbing jumped jump surged surge upward upwards"
    ),
    ("change", -1, False): (
        "down fell fallen fall falls falling decrease decreased decreases decreasing dropped drop drops dropping declined decline declines "
        "declining shrank shrunk shrinking slipped slid sank plunged plunge reduced reduction downward downwards"
    ),
    ("change", 1, True): "better improved improve improves improving improvement",
    ("change", -1, True): "worse worsened worsen worsens worsening deteriorated",
    ("change", 0, False): "unchanged flat steady stable constant",
    ("comparison", 1, False): (
        "higher more larger bigger greater ahead exceeds exceeded exceed beats beat outperformed outperforms outperform surpassed"
    ),
    ("comparison", -1, False): "lower fewer less smaller behind trails trailed",
    ("comparison", 0, False): "equal equals equalled tied identical",
    ("extreme", 1, False): "highest most largest biggest greatest top maximum peak peaked peaks leads led leader leading record",
    ("extreme", -1, False): "lowest least fewest smallest bottom minimum",
    ("extreme", 1, True): "best strongest",
    ("extreme", -1, True): "worst weakest",
}  # fmt: skip
WORDS = {word: Word(what, sign, judged) for (what, sign, judged), words in _WORDS.items() for word in words.split()}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Backed:
    """What a formula comes to: the words that stand for it and the cells, (row from 0, column), that it rests on."""

    words: str
    kind: Kind
    cells: tuple[tuple[int, str], ...]


def backed(formula: str, facts: Facts) -> Backed:
    """The words of ``name(cells)``. Raises Ungrounded where it does not hold or cannot be known."""
    called = CALL.fullmatch(formula)
    if called is None:
        raise Ungrounded(f"the text has a formula that cannot be read: {formula[:40]}")
    name = called.group(1)
    given = [part.strip() for part in called.group(2).split(",") if part.strip()]
    if name in WORDS:
        places = [place(part, facts) for part in given]
        check(name, places, facts)
        return Backed(name, _KINDS[WORDS[name].what], tuple(places))
    if name in _OVER_COLUMNS and len(given) == 1:
        return _OVER_COLUMNS[name](given[0], facts)
    if name in _FIGURES and 0 < len(given) <= 2:
        return _FIGURES[name]([place(part, facts) for part in given], facts)
    raise Ungrounded(f"there is no formula {formula[:40]}")


_KINDS: dict[str, Kind] = {"change": "direction", "comparison": "comparison", "extreme": "superlative"}


def place(text: str, facts: Facts) -> tuple[int, str]:
    """Row (from 0) and column of ``r3.ctr``. Raises Ungrounded for a cell that is not there."""
    found = CELL.fullmatch(text)
    if found is None or int(found.group(1)) > len(facts.rows) or not facts.has(found.group(2)):
        raise Ungrounded(f"the text names a cell that is not there: {text[:40]}")
    return int(found.group(1)) - 1, found.group(2)


def number(at: tuple[int, str], facts: Facts) -> float:
    value = facts.value(*at)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Ungrounded(f"r{at[0] + 1}.{at[1]} is no figure that could be compared")
    return value


def check(word: str, places: Sequence[tuple[int, str]], facts: Facts) -> None:
    """Raises Ungrounded unless the word holds for these cells: one cell against the period before or its whole column, two against each other."""
    meant = WORDS[word]
    if meant.what == "extreme":
        for at in places:
            _check_extreme(word, meant, at, facts)
        if not places:
            raise Ungrounded(f"it says {word} of nothing")
        return
    difference = _difference(places, facts, later_first=meant.what == "comparison")
    holds = _sign(difference)
    if meant.judged:
        holds *= _good(places[0][1], facts, word)
    if holds != meant.sign:
        raise Ungrounded(f"it says {word}, and the figures do not")


def _check_extreme(word: str, meant: Word, at: tuple[int, str], facts: Facts) -> None:
    row, column = at
    value, known = number(at, facts), facts.known(column)
    sign = meant.sign * (_good(column, facts, word) if meant.judged else 1)
    if not facts.whole and facts.order != (column, sign > 0):
        raise Ungrounded(f"it says {word} of rows that are not all here")
    if value != (max(known) if sign > 0 else min(known)):
        raise Ungrounded(f"it says {word} of r{row + 1}.{column}, which it is not")


def _good(column: str, facts: Facts, word: str) -> int:
    direction = {"up": 1, "down": -1}.get(facts.better.get(column, ""))
    if direction is None:
        raise Ungrounded(f"it says {word} of {column}, where neither direction is better")
    return direction


def _difference(places: Sequence[tuple[int, str]], facts: Facts, *, later_first: bool) -> float:
    """How far one cell lies above the period before, or the later of two cells above the earlier; a comparison takes its cells as they stand."""
    if len(places) == 1:
        row, column = places[0]
        return number(places[0], facts) - number((row, _beside(column, BEFORE, facts)), facts)
    if len(places) != 2 or places[0][1] != places[1][1]:
        raise Ungrounded("it compares what cannot be compared")
    first, second = (number(at, facts) for at in places)
    return first - second if later_first else second - first


def _beside(column: str, ending: str, facts: Facts) -> str:
    if not facts.has(column + ending):
        raise Ungrounded(f"there is nothing that {column} could be compared with")
    return column + ending


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


# Figures worked out from cells.


def _unit(column: str, facts: Facts) -> str:
    return facts.columns[facts.column(column)].unit


def _cells_of(places: Sequence[tuple[int, str]], ending: str, facts: Facts) -> tuple[tuple[int, str], ...]:
    if len(places) == 1:
        row, column = places[0]
        return (*places, (row, _beside(column, ending, facts)))
    return tuple(places)


def _change(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """How much it changed, without the sign, which the word beside it says."""
    unit = _unit(places[0][1], facts)
    size = magnitude(_difference(places, facts, later_first=False), "points" if unit == "share" else unit, facts.currency)
    return Backed(size, "figure", _cells_of(places, BEFORE, facts))


def _growth(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """The change as a part of what it was, without the sign."""
    cells = _cells_of(places, BEFORE, facts)
    was = number(cells[1] if len(places) == 1 else cells[0], facts)
    if was == 0:
        raise Ungrounded("nothing grows by a part of zero")
    return Backed(magnitude(_difference(places, facts, later_first=False) / abs(was), "growth", facts.currency), "figure", cells)


def _times(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """The first cell as a multiple of the second."""
    if len(places) != 2 or places[0][1] != places[1][1] or number(places[1], facts) <= 0:
        raise Ungrounded("it multiplies what cannot be compared")
    return Backed(f"{number(places[0], facts) / number(places[1], facts):,.1f} times", "figure", tuple(places))


def _share(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """The part of the whole that one cell is: as it was read, else of the sum of its column where every row is here."""
    row, column = places[0]
    if facts.has(column + SHARE):
        return Backed(shown(number((row, column + SHARE), facts), "share", facts.currency), "figure", ((row, column + SHARE),))
    total = _total(column, facts)
    if total == 0:
        raise Ungrounded("there is no part of nothing")
    return Backed(shown(number(places[0], facts) / total, "share", facts.currency), "figure", tuple(places))


def _rank(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    row, column = places[0]
    falling = facts.order[1] if facts.order and facts.order[0] == column else True
    if not facts.whole and facts.order != (column, falling):
        raise Ungrounded("it ranks rows that are not all here")
    value = number(places[0], facts)
    ahead = sum(1 for other in facts.known(column) if (other > value if falling else other < value))
    return Backed(_ordinal(ahead + 1), "figure", ((row, column),))


def _ordinal(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _total(column: str, facts: Facts) -> float:
    if not facts.whole or column not in facts.adds_up:
        raise Ungrounded(f"{column} cannot be added up over these rows")
    return float(sum(facts.known(column)))


def _sum(column: str, facts: Facts) -> Backed:
    total = _total(column, facts)
    rows = tuple((row, column) for row in range(len(facts.rows)) if facts.value(row, column) is not None)
    return Backed(shown(total, _unit(column, facts), facts.currency), "figure", rows)


def _noun(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """The label of a count in its number: 1 impression, 2 impressions."""
    label = clean(facts.columns[facts.column(places[0][1])].label)
    words = label.split(" ")
    if facts.value(*places[0]) == 1:
        plural = next((at for at, word in enumerate(words) if word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))), None)
        if plural is not None:
            words[plural] = words[plural][:-1]
    return Backed(" ".join(words), "label", (places[0],))


def _short(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
    """What a share lacks to the whole: of a goal, what will be missing."""
    value = number(places[0], facts)
    if _unit(places[0][1], facts) != "share" or value >= 1:
        raise Ungrounded(f"r{places[0][0] + 1}.{places[0][1]} does not fall short")
    return Backed(magnitude(1 - value, "share", facts.currency), "figure", (places[0],))


def _most_moved(sign: int, extreme: int, words: str) -> Callable[[Sequence[tuple[int, str]], Facts], Backed]:
    """``rose the most`` and the like, of a column of changes: the direction and the extreme are checked both."""

    def said(places: Sequence[tuple[int, str]], facts: Facts) -> Backed:
        _check_extreme(words, Word("extreme", extreme), places[0], facts)
        if not places[0][1].endswith((CHANGE, GROWTH)) or _sign(number(places[0], facts)) != sign:
            raise Ungrounded(f"it says {words}, and the figures do not")
        return Backed(words, "superlative", (places[0],))

    return said


_FIGURES: dict[str, Callable[[Sequence[tuple[int, str]], Facts], Backed]] = {
    "change": _change, "growth": _growth, "times": _times, "share": _share, "rank": _rank, "noun": _noun, "short": _short,
    "rose_most": _most_moved(1, 1, "rose the most"), "rose_least": _most_moved(1, -1, "rose the least"),
    "fell_most": _most_moved(-1, -1, "fell the most"), "fell_least": _most_moved(-1, 1, "fell the least"),
}  # fmt: skip
_OVER_COLUMNS: dict[str, Callable[[str, Facts], Backed]] = {"sum": _sum}


def words_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Every word with where it stands: (start, end, lower case)."""
    for found in re.finditer(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", text):
        yield found.start(), found.end(), found.group().lower()
