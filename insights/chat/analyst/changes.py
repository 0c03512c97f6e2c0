"""Change and its reasons: what a figure is held against, ranks by change, and why."""

from __future__ import annotations

from insights.chat.reading import Choice
from insights.chat.tagging import Tagged
from insights.semantic.query import Order, SemanticQuery

from . import build, times
from .frame import Frame
from .says import ask, measure_label, refuse, which_measure

_FALLING_WORDS = """
drop dropped dropping drops fall fell falls falling fallen decrease decreased decreasing decreases decline declined declining declines down
lower worsen worsened dip dipped shrink shrank sink sank collapse collapsed plunge plunged slump slumped lost lose
"""
_FALLING = frozenset(_FALLING_WORDS.split())
_RISING_WORDS = """
rise rose rises rising increase increased increasing increases grow grew grown growing growth up higher jump jumped spike spiked surge
surged soar soared climb climbed gain gained improve improved improving improvement
"""
_RISING = frozenset(_RISING_WORDS.split())


def is_change(frame: Frame) -> bool:
    return "change" in frame.operators


def changed(frame: Frame, tagged: Tagged) -> None:
    """Sets period, baseline and, for a rank, the order by change. Raises Stop."""
    if frame.relative:
        frame.period, frame.baseline = times.with_relative(frame.period, frame.relative, frame.now)
        frame.relative = None
    if frame.grain and not frame.baseline:
        return  # a trend shows the change
    if not frame.baseline:
        frame.period, frame.baseline = times.before(frame.period or times.usual(frame.now), frame.now, hours=_hours(frame))
    if not frame.measures and frame.rank:
        raise which_measure(frame.vocabulary, frame.dimensions(), frame.question)
    if is_change(frame) and frame.rank and frame.measures and frame.groups:
        frame.order = Order(measure=frame.measures[0], descending=_rising(frame, tagged), by="change")


def _hours(frame: Frame) -> bool:
    return any("hour" in cube.tables for cube in frame.vocabulary.cubes.values() if set(frame.measures) <= set(cube.measures))


def _rising(frame: Frame, tagged: Tagged) -> bool:
    """``fell the most`` starts with the largest fall, ``smallest fall`` with the smallest."""
    words = {token.word for token in tagged.tokens}
    falling, rising = bool(words & _FALLING), bool(words & _RISING)
    if falling == rising:
        change = next(tag for tag in tagged.of("operator") if tag.name == "change")
        raise ask(
            "In which direction?",
            [
                Choice(label, tagged.instead(change.first, change.last, word))
                for label, word in (("the largest rise", "increased"), ("the largest fall", "decreased"))
            ],
        )
    return rising if frame.rank in ("highest", "best") else falling


def why(frame: Frame, tagged: Tagged) -> SemanticQuery:
    """One measure, its period and what that is held against. Raises Stop."""
    vocabulary = frame.vocabulary
    if not frame.measures:
        raise which_measure(
            vocabulary, frame.dimensions(), frame.question, text="Which figure's change should I explain?", form="why did {label} change {question}"
        )
    if len(frame.measures) > 1:
        labels = {name: measure_label(vocabulary, name) for name in frame.measures}
        choices = [Choice(label, _asked_of(tagged, name) or f"and why did {label} change") for name, label in labels.items()]
        raise ask("I explain one figure at a time. Which one?", choices)
    if frame.rank or frame.having or frame.limit:
        raise refuse("I can explain how a figure changed from one period to another, not why something ranks where it does.", "capability")
    if frame.relative:
        frame.period, frame.baseline = times.with_relative(frame.period, frame.relative, frame.now)
        frame.relative = None
    frame.intent, frame.grain = "why", None
    if not frame.baseline:
        frame.period, frame.baseline = times.before(frame.period or times.usual(frame.now), frame.now, hours=_hours(frame))
    return build.query(frame)


def _asked_of(tagged: Tagged, name: str) -> str:
    """The question with only this of its figures; "" where they come from the question before."""
    said = tagged.of("measure")
    return tagged.without([tag for tag in said if tag.name != name]) if said else ""
