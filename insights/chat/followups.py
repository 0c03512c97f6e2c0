"""What could be asked next: questions in words that the built-in analyst reads, made for the result that is there."""

from __future__ import annotations

import re

from insights.semantic.model import Measure
from insights.semantic.query import WITHOUT_FIGURES, Filter, SemanticQuery

from .context import Context
from .facts import Facts, sentence

MOST = 3
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?: [A-Za-z0-9]+)*")


def follow_ups(query: SemanticQuery, facts: Facts, context: Context) -> list[str]:
    """At most three whole questions, nearest first. None where there was nothing to ask on from."""
    if query.intent in WITHOUT_FIGURES or not facts.rows or query.cube not in context.model.cubes:
        return []
    made = _Next(query, context)
    return [question for question in dict.fromkeys(made.candidates()) if question][:MOST]


class _Next:
    def __init__(self, query: SemanticQuery, context: Context) -> None:
        self.query, self.context, self.model = query, context, context.model
        self.cube = context.model.cubes[query.cube]
        self.name = query.order.measure if query.order else query.measures[0]
        if query.intent == "overview":
            self.name = next((name for name in query.measures if self._splits(self.cube.measures[name])), self.name)

    @staticmethod
    def _splits(measure: Measure) -> bool:
        """A rate tells more than the count it is made of."""
        return measure.ratio is not None

    def candidates(self) -> list[str]:
        measure, query = self.cube.measures[self.name], self.query
        if measure.kind == "value":
            return self._standing()
        said = []
        split = self._dimension()
        if query.baseline and not query.dimensions and self.cube.time is not None and measure.kind in ("sum", "ratio"):
            said.append(f"why did {measure.label} change {self._when()}{self._about()}?" if self._when() else "")
        if split and not query.dimensions:
            said.append(f"{measure.label} by {split}{self._about()} {self._when()}".strip())
        if self.cube.time is not None and query.grain is None:
            said.append(f"{measure.label} by day{self._about()} {self._when() or 'last 14 days'}")
        if query.grain and split and split not in {self.model.dimensions[name].label for name in query.dimensions}:
            said.append(f"{measure.label} by {split}{self._about()} {self._when()}".strip())
        if query.dimensions and split:
            said.append(f"{measure.label} by {split}{self._about()} {self._when()}".strip())
        if self._when() and not query.baseline:
            said.append(f"{measure.label}{self._about()} {self._when()} compared with the period before")
        other = next((name for name in self.cube.overview if name not in query.measures), None)
        if other:
            said.append(f"{self.cube.measures[other].label}{self._about()} {self._when()}".strip())
        said.append(f"what is {measure.label}?")
        return said

    def _standing(self) -> list[str]:
        if self.cube.pacing:
            return ["which flights are on track?", "which flights will miss their goal?", "budget by campaign"]
        return [f"what is {self.cube.measures[self.name].label}?"]

    def _dimension(self) -> str:
        """Something the figure can still be split by."""
        used = {*self.query.dimensions, *(part.dimension for part in self.query.filters)}
        free = [name for name in ("device", "genre", *self.cube.dimensions) if name in self.cube.dimensions and name not in used]
        return next((self.model.dimensions[name].label for name in free if not self.model.dimensions[name].hidden), "")

    def _when(self) -> str:
        """The period in words that are read as the same one."""
        period = self.query.period
        if period.start is None and period.end is None:
            return ""
        said = period.label.partition(" (")[0].removesuffix(" so far")
        return "" if " up to " in said else said

    def _about(self) -> str:
        kept = [self._named(part) for part in self.query.filters if part.op == "in"]
        left_out = [self._named(part) for part in self.query.filters if part.op == "not_in"]
        return (f" for {' '.join(kept)}" if kept else "") + (f" excluding {sentence(left_out)}" if left_out else "")

    def _named(self, part: Filter) -> str:
        """By name where it is plain words, else by its number: a name may hold anything."""
        dimension = self.model.dimensions[part.dimension]
        if dimension.entity is None:
            return sentence(
                [label if PLAIN_NAME.fullmatch(label) else str(value) for label, value in zip(self._labels(part), part.values, strict=False)]
            )
        names = [
            f"{dimension.label} {label}" if PLAIN_NAME.fullmatch(label) else f"{part.dimension}#{value}"
            for label, value in zip(self._labels(part), part.values, strict=False)
        ]
        return sentence(names)

    @staticmethod
    def _labels(part: Filter) -> tuple[str, ...]:
        return part.labels if len(part.labels) == len(part.values) else tuple(str(value) for value in part.values)
