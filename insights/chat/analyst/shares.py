"""Shares of a whole: by which dimension, and which part of it is meant."""

from __future__ import annotations

from insights.chat.tagging import Tag, Tagged
from insights.chat.vocabulary import Meaning
from insights.semantic.query import Order, SemanticQuery

from . import build, names
from .changes import changed
from .frame import Frame
from .says import measure_label, refuse, which_measure

_VERBS = frozenset({"is", "are", "was", "were", "get", "got"})
_WHOLE = frozenset({"of", "for", "in", "within", "during"})


def shared(frame: Frame, tagged: Tagged) -> SemanticQuery:
    """``share of revenue from mobile``: by device, shown for mobile. Raises Stop."""
    vocabulary = frame.vocabulary
    if ratio := _ratio_of(frame, tagged):
        frame.measures = [ratio]
        return build.query(frame)
    if not frame.measures:
        raise which_measure(vocabulary, frame.dimensions(), frame.question, text="A share of what?")
    if bad := [name for name in frame.measures if not build.adds_up(frame, name)]:
        label = measure_label(vocabulary, bad[0])
        raise refuse(f"{label} does not add up to a whole, so nothing has a share of it; shares can be taken of counts and sums.", "capability")
    if frame.relative or "change" in frame.operators:
        changed(frame, tagged)
    if not frame.groups:
        _focus(frame, tagged)
    if not frame.groups and not frame.grain:
        raise build.by_what(frame, "A share by what?")
    frame.intent = "share"
    if frame.rank:
        frame.order = Order(measure=frame.measures[0], descending=frame.rank in ("highest", "best"), by="share")
    return build.query(frame)


def _focus(frame: Frame, tagged: Tagged) -> None:
    """The part that is asked about: a name after the figure, unless it only says of what whole."""
    parts = [tag for tag in tagged.of("value") if tag not in names.negated(tagged)]
    named = [tag for tag in parts if any(meaning.name in frame.include for meaning in tag.meanings)]
    if not named:
        return
    pointed = [tag for tag in named if _before(tagged, tag) not in _WHOLE and not _owns(tagged, tag)]
    chosen = (pointed or named)[-1] if not pointed else pointed[0]
    name = next(meaning.name for meaning in chosen.meanings if meaning.name in frame.include)
    focus: list[Meaning] = frame.include.pop(name)
    frame.focus = {name: focus}
    frame.groups = [name]


def _before(tagged: Tagged, tag: Tag) -> str:
    index = tag.first - 1
    while index >= 0 and tagged.word(index) in ("the", "our", "all"):
        index -= 1
    return tagged.word(index)


def _owns(tagged: Tagged, tag: Tag) -> bool:
    """``Electric Dawn's impressions``, ``mobile impressions``: the whole is meant."""
    return any(one.first == tag.last for one in tagged.of("measure"))


def _ratio_of(frame: Frame, tagged: Tagged) -> str | None:
    """``what share of breaks were filled``: a rate that the model knows by its two parts."""
    if frame.groups or not frame.measures:
        return None
    stated = len(frame.measures) == 1 and any(_VERBS & {token.word for token in tagged.tokens[one.first : one.last]} for one in tagged.of("measure"))
    named = _named_part(frame, tagged)
    for cube in frame.vocabulary.cubes.values():
        for name, measure in cube.measures.items():
            if named and measure.ratio and measure.unit == "share" and measure.ratio.numerator == named:
                return name
            parts = {measure.ratio.numerator, measure.ratio.denominator} if measure.ratio else set()
            if measure.ratio and (
                parts == set(frame.measures) or (stated and measure.unit == "share" and measure.ratio.numerator == frame.measures[0])
            ):
                return name
    return None


def _named_part(frame: Frame, tagged: Tagged) -> str | None:
    """``impressions that were invalid`` are the invalid impressions, where the model has a figure of that name."""
    said = tagged.of("measure")
    if len(said) != 2:
        return None
    stems = [tuple(token.stem for token in tagged.tokens[one.first : one.last]) for one in said]
    found = frame.vocabulary.phrases.get((*stems[1], *stems[0]), [])
    return next((meaning.name for meaning in found if meaning.kind == "measure"), None)
