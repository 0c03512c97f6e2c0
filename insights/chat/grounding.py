"""Prose in which every figure, name, date, direction and superlative is a cell of the result or follows from cells, checked before it is shown.

A text is written with placeholders: ``{{r3.ctr}}`` (row 3, column ctr), ``{{label.ctr}}``, ``{{plural.campaign}}``, ``{{period}}``,
``{{baseline}}``, ``{{filters}}``, ``{{rows}}`` (how many), ``{{told.x}}`` (worked out beside the rows), and the formulas of ``claims``:
``{{growth(r1.ctr)}}``, ``{{rose(r1.ctr)}}``.
A judging word may also be typed ("rose", "highest"); it must then hold for everything its part of the sentence names. Digits, numbers in words
and money signs of the text's own are refused, as is a figure that is told of another row's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .binding import bound
from .claims import CALL, CELL, WORDS, Kind, Ungrounded, backed, place, words_in
from .facts import MISSING, SYMBOLS, UNKNOWN, Facts, as_records, cell, moment, sentence, shown, shown_rows
from .text import clean

__all__ = [
    "MISSING", "NUMBER_WORDS", "PLACEHOLDER", "SYMBOLS", "TONE", "UNKNOWN", "Facts", "Prose", "Span", "Ungrounded", "as_records", "cell", "fill",
    "foreign", "grounded", "moment", "sentence", "shown", "shown_rows", "verify",
]  # fmt: skip

PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?|[a-z_]+\([a-z0-9_., ]*\))\s*\}\}")
SENTENCE_START, PLAIN_START = re.compile(r"(^|[.!?]\s+)$"), re.compile(r"[a-z]+(?![A-Za-z])")
_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty
forty fifty sixty seventy eighty ninety dozen dozens hundred hundreds thousand thousands million millions billion billions trillion half halves
third thirds quarter quarters double doubled doubling triple tripled tripling twice thrice percent fourth fifth sixth seventh eighth ninth tenth
"""
NUMBER_WORDS = frozenset(_NUMBER_WORDS.split())
# What no cell can back: causes, certainty, forecasts, amounts left vague, and statements about everything. The built-in wording states such
# things only where its rule has checked them, so a model's wording may use the words that the draft it was given has.
_TONE = """
because due caused causes cause causing driven drove thanks therefore hence reason reasons explains explained owing result results led
will would should could might may must expected expects forecast predicted predicts likely unlikely probably certainly clearly obviously
about around roughly nearly almost approximately some several few many much majority all every each none nobody everyone always never only
any over under significantly significant sharply dramatically strong weak strongly weakly slightly massive massively huge good bad great poor
healthy excellent impressive disappointing recommend consider if whether unless last next growth same
alike above below both once couple single first second
"""
TONE = frozenset(_TONE.split())


@dataclass(frozen=True)
class Span:
    """Where a text says what a cell says. ``start`` and ``end`` count characters; ``row`` counts from 0 and with ``column`` is the (first) cell
    it rests on, None where it rests on no single cell. ``how``: cell or derived; ``formula`` says from what."""

    start: int
    end: int
    kind: Kind
    how: str
    formula: str
    row: int | None = None
    column: str | None = None

    @property
    def cell(self) -> str | None:
        return None if self.row is None else f"r{self.row + 1}.{self.column}"


@dataclass(frozen=True)
class Prose:
    """A text that was checked, with a span for everything it states."""

    text: str
    spans: tuple[Span, ...]

    def as_json(self) -> list[dict[str, Any]]:
        """The spans for the page: ``start`` and ``end`` in UTF-16 units, as a browser counts."""
        return [
            {
                "start": _units(self.text[: span.start]), "end": _units(self.text[: span.end]), "cell": span.cell, "row": span.row,
                "column": span.column, "how": span.how, "formula": span.formula, "kind": span.kind,
            }
            for span in self.spans
        ]  # fmt: skip


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def fill(text: str, facts: Facts) -> str:
    """The text alone. Raises Ungrounded."""
    return grounded(text, facts).text


def grounded(text: str, facts: Facts) -> Prose:
    """Replace the placeholders by their cells and back every judging word. Raises Ungrounded, saying what the text states of its own."""
    text, cells = clean(text), facts.cells()
    outside = PLACEHOLDER.sub(lambda found: " " * len(found.group()), text)
    _check_plain(outside)
    typed = bound(text, outside, PLACEHOLDER, facts)
    edges = {found.start(): (found.end(), "".join(found.group(1).split())) for found in PLACEHOLDER.finditer(text)}
    edges |= {claim.start: (claim.end, claim.formula) for claim in typed}
    parts: list[str] = []
    spans: list[Span] = []
    at = length = 0
    for start, (end, formula) in sorted(edges.items()):
        parts.append(text[at:start])
        length += len(parts[-1])
        words, span = _stated(formula, text[start:end], length, facts, cells)
        words = _begun("".join(parts), words, formula)
        parts.append(words)
        spans.append(span)
        length, at = length + len(words), end
    prose = Prose("".join([*parts, text[at:]]), tuple(spans))
    verify(prose, facts, cells=cells)
    return prose


def verify(prose: Prose, facts: Facts, *, cells: Mapping[str, str] | None = None) -> None:
    """The last check before a text is shown, from the finished text alone: every span says what its formula comes to, and nothing outside of
    them states anything. Raises Ungrounded."""
    cells = facts.cells() if cells is None else cells
    outside, at = [], 0
    for span in prose.spans:
        if span.start < at or span.end > len(prose.text):
            raise Ungrounded("the spans of the text lie over each other")
        said = prose.text[span.start : span.end]
        words, stated = _stated(span.formula, said, span.start, facts, cells)
        if stated != span or said not in (words, _begun(prose.text[: span.start], words, span.formula)):
            raise Ungrounded(f"the text says {said[:40]!r} for {span.formula}")
        outside.append(prose.text[at : span.start])
        at = span.end
    plain = " ".join([*outside, prose.text[at:]])
    _check_plain(plain)
    if judged := [word for _, _, word in words_in(plain) if word in WORDS]:
        raise Ungrounded(f"the text judges without a check: {judged[0]}")


def _begun(before: str, words: str, formula: str) -> str:
    """A sentence begins with a capital; names that come from the data, and words with capitals of their own (eCPM), stay as they are."""
    if not SENTENCE_START.search(before) or CELL.fullmatch(formula) or not PLAIN_START.match(words):
        return words
    return words[:1].upper() + words[1:]


def foreign(text: str, draft: str) -> list[str]:
    """Words of tone (causes, forecasts, vague amounts) in a model's text that the checked draft does not have."""
    said, allowed = ({word for _, _, word in words_in(PLACEHOLDER.sub(" ", words))} for words in (text, draft))
    return sorted((said & TONE) - allowed)


def _check_plain(outside: str) -> None:
    """What stands outside the placeholders states no amount."""
    if any(char.isnumeric() for char in outside):
        raise Ungrounded("the text has figures of its own")
    if any(char in "%‰" or unicodedata.category(char) == "Sc" for char in outside):
        raise Ungrounded("the text has an amount of its own")
    if said := NUMBER_WORDS & {word for _, _, word in words_in(outside)}:
        raise Ungrounded(f"the text says a number in words: {', '.join(sorted(said))}")
    if "{" in outside or "}" in outside:
        raise Ungrounded("the text has a broken placeholder")


def _stated(formula: str, said: str, start: int, facts: Facts, cells: Mapping[str, str]) -> tuple[str, Span]:
    """The words of a formula and the span they have at ``start``. Raises Ungrounded."""
    if formula in cells:
        words, kind, rests = cells[formula], _kind(formula, facts, cells[formula]), [place(formula, facts)] if CELL.fullmatch(formula) else []
        how = "cell" if rests else "derived"
    elif " and " in formula or (CALL.fullmatch(formula) and formula.split("(")[0] == said.lower()):
        found = [backed(part, facts) for part in formula.split(" and ")]
        if {part.words for part in found} != {said.lower()}:
            raise Ungrounded(f"the text says {said[:40]!r} for {formula}")
        words, kind, rests, how = said, found[0].kind, list(found[0].cells), "derived"
    elif CALL.fullmatch(formula):
        one = backed(formula, facts)
        words, kind, rests, how = one.words, one.kind, list(one.cells), "derived"
    else:
        raise Ungrounded(f"the text names a cell that is not there: {formula[:40]}")
    row, column = rests[0] if rests else (None, None)
    return words, Span(start, start + len(words), kind, how, formula, row, column)


def _kind(formula: str, facts: Facts, words: str) -> Kind:
    if CELL.fullmatch(formula):
        role = facts.columns[facts.column(place(formula, facts)[1])].role
        return "figure" if role == "measure" else "date" if role == "time" else "name"
    if formula.startswith(("label.", "plural.")):
        return "label"
    if formula in ("period", "baseline"):
        return "period"
    if formula.startswith("told.") and words.lower() in WORDS:
        return "direction"
    return "figure" if any(char.isdigit() for char in words) and formula != "filters" else "name"
