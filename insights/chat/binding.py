"""What a typed judging word speaks of: the names, labels and figures of its part of the sentence, for all of which it must hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE

from .claims import CALL, CELL, WORDS, Ungrounded, check, number, place, words_in
from .facts import Facts

T = TypeVar("T")
JOINING = frozenset({"and", "while", "but", "whereas", "or", "against", "versus", "with"})
DENYING = frozenset({"no", "not", "never", "nor", "neither", "without", "hardly", "barely", "nothing", "cannot", "rather", "instead"})


@dataclass(frozen=True)
class Claim:
    """A typed word at ``[start, end)`` with the formula that was checked for it."""

    start: int
    end: int
    formula: str


@dataclass
class _Part:
    """A stretch of a sentence between commas, brackets and joining words. Rows count from 0; ``typed`` are judging words without a formula,
    ``signed`` the placeholders of changes, with the formula that gives them without their sign."""

    sentence: int
    names: list[int] = field(default_factory=list)
    cells: list[tuple[int, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    typed: list[tuple[int, int, str]] = field(default_factory=list)
    signed: list[Claim] = field(default_factory=list)
    claimed: bool = False
    directed: bool = False


def bound(text: str, outside: str, placeholder: re.Pattern[str], facts: Facts) -> list[Claim]:
    """A claim for each typed judging word, and for each change beside a direction: "fell -3%" would fall twice. ``outside`` is the text with its
    placeholders blanked. Raises Ungrounded for a word that does not hold or speaks of nothing, for a judgement that is denied, and for a figure
    told of another row's name."""
    parts, denied = _parts(text, outside, placeholder, facts)
    for index, part in enumerate(parts):
        _check_told_of_its_own_name(parts, index, facts)
        if (part.typed or part.claimed) and part.sentence in denied:
            raise Ungrounded("it denies a judgement, which cannot be checked")
    directed = {part.sentence for part in parts if part.directed or any(WORDS[word].what == "change" for _, _, word in part.typed)}
    unsigned = [claim for part in parts if part.sentence in directed for claim in part.signed]
    return unsigned + [Claim(start, end, _formula(word, parts, index, facts)) for index, part in enumerate(parts) for start, end, word in part.typed]


def _parts(text: str, outside: str, placeholder: re.Pattern[str], facts: Facts) -> tuple[list[_Part], set[int]]:
    found = [(match.start(), "cell", match.group(1), match.end()) for match in placeholder.finditer(text)]
    found += [(match.start(), "stop", match.group(), match.end()) for match in re.finditer(r"[.!?;](?=\s|$)|[,:()\u2013\u2014]", outside)]
    found += [(start, "word", word, end) for start, end, word in words_in(outside)]
    parts, denied = [_Part(0)], set()
    for start, kind, said, end in sorted(found):
        if kind == "stop" or said in JOINING:
            parts.append(_Part(parts[-1].sentence + (kind == "stop" and said in ".!?;")))
        elif kind == "cell":
            _take(parts[-1], start, end, "".join(said.split()), facts)
        elif said in DENYING or said.endswith(("n't", "n\u2019t")):
            denied.add(parts[-1].sentence)
        elif said in WORDS:
            parts[-1].typed.append((start, end, said))
    return parts, denied


def _take(part: _Part, start: int, end: int, formula: str, facts: Facts) -> None:
    if CELL.fullmatch(formula):
        row, column = place(formula, facts)
        if facts.columns[facts.column(column)].role == "measure":
            part.cells.append((row, column))
            if (base := _base(column, facts)) != column and column.endswith((CHANGE, GROWTH)):
                part.signed.append(Claim(start, end, f"{column.removeprefix(base + '_')}(r{row + 1}.{base})"))
        else:
            part.names.append(row)
    elif formula.startswith("label."):
        part.labels.append(formula.removeprefix("label."))
    elif called := CALL.fullmatch(formula):
        given = [piece for piece in called.group(2).split(",") if piece]
        word = WORDS.get(called.group(1))
        part.claimed |= word is not None
        part.directed |= word is not None and word.what == "change"
        if len(given) == 1 and CELL.fullmatch(given[0]):
            part.cells.append(place(given[0], facts))


def _check_told_of_its_own_name(parts: list[_Part], index: int, facts: Facts) -> None:
    """A figure belongs to a row named in its part of the sentence, else to the one named last before it, else to the next."""
    part = parts[index]
    if not part.cells:
        return
    others = [other for other in (*reversed(parts[:index]), *parts[index + 1 :]) if other.sentence == part.sentence and other.names]
    names = part.names or (others[0].names if others else [])
    for row, column in part.cells if names else []:
        if row not in names and all(facts.value(name, column) != facts.value(row, column) for name in names):
            raise Ungrounded(f"it tells r{row + 1}.{column} of r{names[0] + 1}")


def _formula(word: str, parts: list[_Part], index: int, facts: Facts) -> str:
    """The formula of a typed word, checked. Raises Ungrounded."""
    own, around = parts[index], _around(parts, index)
    whole = [part for part in parts if part.sentence == own.sentence]
    measures = _measures([own], facts) or _measures(around, facts) or _measures(whole, facts)
    rows = _unique([*(row for part in around for row in part.names), *(row for row, _ in own.cells)])
    rows = rows or _unique(row for part in around for row, _ in part.cells) or ([0] if len(facts.rows) == 1 else [])
    if not (measures and rows):
        raise Ungrounded(f"it says {word} of nothing")
    formulas = [formula for measure in measures for formula in _of_one_measure(word, rows, measure, around, facts)]
    return " and ".join(_unique(formulas))


def _of_one_measure(word: str, rows: list[int], measure: str, around: list[_Part], facts: Facts) -> list[str]:
    what = WORDS[word].what
    if what == "extreme":
        places = [(row, measure) for row in rows]
        check(word, places, facts)
        value = number(places[0], facts)
        if any(facts.value(row, measure) == value and row not in rows for row in range(len(facts.rows))):
            raise Ungrounded(f"it says {word} of r{rows[0] + 1}.{measure}, which others share")
        return [_call(word, places)]
    mentioned = [row for part in around for row, column in part.cells if column == measure]
    if what == "comparison" and len(rows) == 2:
        pairs = [[(rows[0], measure), (rows[1], measure)]]
    elif what == "change" and not facts.has(measure + BEFORE) and len(mentioned) == 2 and mentioned == sorted(mentioned) and _in_time(facts):
        pairs = [[(row, measure) for row in mentioned]]
    else:
        pairs = [[(row, measure)] for row in rows]
    for places in pairs:
        check(word, places, facts)
    return [_call(word, places) for places in pairs]


def _call(word: str, places: list[tuple[int, str]]) -> str:
    return f"{word}({','.join(f'r{row + 1}.{column}' for row, column in places)})"


def _in_time(facts: Facts) -> bool:
    """Rows that follow each other in time, and in nothing else."""
    return [column.role for column in facts.columns if column.role != "measure"] == ["time"]


def _around(parts: list[_Part], index: int) -> list[_Part]:
    """The part itself and its neighbours of the sentence that judge nothing themselves."""
    first, last = index, index + 1
    while first > 0 and _silent(parts[first - 1], parts[index]):
        first -= 1
    while last < len(parts) and _silent(parts[last], parts[index]):
        last += 1
    return parts[first:last]


def _silent(part: _Part, beside: _Part) -> bool:
    return part.sentence == beside.sentence and not (part.typed or part.claimed)


def _measures(parts: list[_Part], facts: Facts) -> list[str]:
    named = [name for part in parts for name in (*part.labels, *(column for _, column in part.cells))]
    return _unique(_base(name, facts) for name in named if facts.has(name) and facts.columns[facts.column(name)].role == "measure")


def _base(name: str, facts: Facts) -> str:
    """The measure that a column was worked out of, or itself."""
    bases = (name.removesuffix(ending) for ending in (BEFORE, CHANGE, GROWTH, SHARE) if name.endswith(ending))
    return next((base for base in bases if facts.has(base)), name)


def _unique(items: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(items))
