"""What a question holds, part by part, before it is a query: the frame that every kind of question is read into and follow-ups edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from insights.chat.dates import Relative
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Meaning, Vocabulary
from insights.semantic.query import Filter, Having, Intent, Order, Period, SemanticQuery


@dataclass
class Frame:
    """``compared``: dimensions of which several values are held against each other. ``rank`` is the operator; ``order`` wins over it.
    ``period`` None: none was said. ``derived``: what an order is by, beside a baseline."""

    vocabulary: Vocabulary
    now: datetime
    measures: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    include: dict[str, list[Meaning]] = field(default_factory=dict)
    exclude: dict[str, list[Meaning]] = field(default_factory=dict)
    having: list[Having] = field(default_factory=list)
    period: Period | None = None
    baseline: Period | None = None
    relative: Relative | None = None
    grain: str | None = None
    rank: str | None = None
    order: Order | None = None
    limit: int | None = None
    cube: str | None = None
    intent: Intent | None = None
    focus: dict[str, list[Meaning]] = field(default_factory=dict)
    compared: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    question: str = ""

    def dimensions(self) -> list[str]:
        return list(dict.fromkeys([*self.groups, *self.include, *self.exclude, *self.focus]))

    def filters(self) -> tuple[Filter, ...]:
        return (*_filters(self.include, "in"), *_filters(self.exclude, "not_in"))


def _filters(values: dict[str, list[Meaning]], op: str) -> tuple[Filter, ...]:
    return tuple(
        Filter(
            dimension=name,
            values=tuple(part.key for part in parts if part.key is not None),
            labels=tuple(part.label for part in parts),
            op=op,  # type: ignore[arg-type]
        )
        for name, parts in values.items()
        if parts
    )


# Not asked for, but what a query has when nothing was.
DEFAULT_LIMITS = frozenset({200, 1000})


def focus_filters(frame: Frame) -> tuple[Filter, ...]:
    return _filters(frame.focus, "in")


def meanings(part: Filter) -> list[Meaning]:
    labels = part.labels if len(part.labels) == len(part.values) else tuple(map(str, part.values))
    return [Meaning("value", part.dimension, value, label) for value, label in zip(part.values, labels, strict=True)]


def of_query(query: SemanticQuery, vocabulary: Vocabulary, now: datetime, tagged: Tagged) -> Frame:
    """The frame that would be read into ``query``: what a follow-up edits."""
    frame = Frame(
        vocabulary,
        now,
        measures=list(query.measures),
        groups=list(query.dimensions),
        having=list(query.having),
        period=query.period,
        baseline=query.baseline,
        grain=query.grain,
        order=query.order,
        limit=query.limit if query.limit not in DEFAULT_LIMITS else None,
        cube=query.cube or None,
        intent=query.intent,
        question=tagged.said(0, len(tagged.tokens)),
    )
    for part in query.filters:
        (frame.include if part.op == "in" else frame.exclude).setdefault(part.dimension, []).extend(meanings(part))
    for part in query.focus:
        frame.focus.setdefault(part.dimension, []).extend(meanings(part))
    return frame
