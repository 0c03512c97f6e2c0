"""An explanation in words, tables and a chart. Directions and figures are facts worked out here; the text only names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from insights.chat.context import Context, Outcome
from insights.chat.grounding import Facts, sentence, shown
from insights.semantic.compiler import Column
from insights.semantic.model import Measure
from insights.semantic.query import SemanticQuery

from .events import Event
from .parts import Part, Sides, Split
from .reality import Reality

TOP = 3
NOT_PROOF = "That these moved together shows where to look; it is not proof of cause."


@dataclass(frozen=True)
class Told:
    """Everything that was found."""

    query: SemanticQuery
    context: Context
    measure: Measure
    whole: Sides
    factor: float
    reality: Reality
    splits: tuple[Split, ...]
    events: tuple[Event, ...]

    @property
    def before(self) -> float:
        return _whole(self.whole.before, self.whole.base_before, self.factor)

    @property
    def now(self) -> float:
        return _whole(self.whole.now, self.whole.base_now, self.factor)

    def figure(self, value: float | None) -> str:
        return shown(value, self.measure.unit, self.context.currency)

    def moved(self, value: float) -> str:
        """A difference: of two shares in points, which are not per cent of anything."""
        text = f"{100 * value:+.2f} points" if self.measure.unit == "share" else self.figure(value)
        return text if text.startswith(("+", "-")) else f"+{text}"


def _whole(part: Any, base: Any, factor: float) -> float:
    return float(part.sum()) if base is None else float(factor * part.sum() / base.sum())


def outcome(told: Told, facts: Facts) -> Outcome:
    columns, rows = _table(told)
    facts = replace(facts, columns=columns, rows=rows, told=_facts(told))
    return Outcome(facts, _draft(told), chart=_chart(rows), more=_more(told))


def _facts(told: Told) -> dict[str, str]:
    change = told.now - told.before
    facts = {
        "figure": told.measure.label,
        "before": told.figure(told.before),
        "now": told.figure(told.now),
        "change": told.moved(change),
        "growth": f"{100 * change / told.before:+.1f}%" if told.before else "",
        "way": _way(told),
        "baseline": told.query.baseline.label if told.query.baseline else "",
        "usual": told.figure(told.reality.usual),
        "low": told.figure(told.reality.low),
        "high": told.figure(told.reality.high),
        "weeks": str(told.reality.weeks),
        "changes": str(len(told.events)),
    }
    for number, one in enumerate(told.splits, start=1):
        facts[f"kind{number}"] = told.context.model.dimensions[one.dimension].label
        facts[f"kinds{number}"] = told.context.model.dimensions[one.dimension].plural
        if one.rate is not None and one.mix is not None:
            facts |= {f"rate{number}": told.moved(one.rate), f"mix{number}": told.moved(one.mix)}
    return facts


def _way(told: Told) -> str:
    if told.figure(told.now) == told.figure(told.before):
        return "stayed the same"
    return "rose" if told.now > told.before else "fell"


def _table(told: Told) -> tuple[tuple[Column, ...], tuple[tuple[Any, ...], ...]]:
    unit, label = told.measure.unit, told.measure.label
    columns = [
        Column("kind", "split by", "dimension"),
        Column("part", "part", "dimension"),
        Column("before", f"{label} before", "measure", unit),
        Column("now", f"{label} now", "measure", unit),
        Column("contribution", "contributed", "measure", "points" if unit == "share" else unit),
        Column("explains", "of the change", "measure", "share"),
        Column("weight", "of the whole before", "measure", "share"),
    ]
    is_ratio = told.whole.base_before is not None
    if is_ratio:
        columns += [
            Column("rate", "by its own rate", "measure", "points" if unit == "share" else unit),
            Column("mix", "by its weight in the mix", "measure", "points" if unit == "share" else unit),
        ]
    labels = {one.dimension: told.context.model.dimensions[one.dimension].label for one in told.splits}
    listed = [(labels[one.dimension], part) for one in told.splits for part in (*one.parts, *one.against)]
    return tuple(columns), tuple((label, *_cells(part, is_ratio=is_ratio)) for label, part in listed)


def _cells(part: Part, *, is_ratio: bool) -> tuple[Any, ...]:
    cells = (part.name, part.before, part.now, part.contribution, part.explains, part.weight)
    return (*cells, part.rate, part.mix) if is_ratio else cells


def _draft(told: Told) -> str:
    about = " {{filters}}" if told.query.filters else ""
    beside = "{{period}} beside {{told.baseline}}"
    if _way(told) == "stayed the same":
        return f"{{{{told.figure}}}}{about} {{{{told.way}}}} at {{{{told.now}}}}, {beside}. There is nothing to explain."
    by = "{{told.change}}, {{told.growth}}" if told.before and told.measure.unit != "share" else "{{told.change}}"
    sentences = [
        f"{{{{told.figure}}}}{about} {{{{told.way}}}} from {{{{told.before}}}} to {{{{told.now}}}} ({by}), {beside}.",
        _real(told.reality),
        _where(told),
        _rates(told),
        _meanwhile(told),
    ]
    return " ".join(one for one in sentences if one)


def _real(reality: Reality) -> str:
    interval = "{{told.low}} to {{told.high}} is usual by the same days of {{told.weeks}} earlier weeks"
    match reality.verdict:
        case "real":
            return f"That is out of the ordinary: {interval}."
        case "usual" if reality.weeks:
            return f"That is within what is usual: {interval}. There may be nothing to explain."
        case "usual":
            return "Chance alone could do as much, and there are too few earlier weeks to know what is usual."
        case "too_little":
            return "There is too little volume to tell this from chance; read what follows with care."
    return "There are too few earlier weeks to know what is usual."


def _where(told: Told) -> str:
    if not told.splits:
        return "No single part accounts for it: it is spread over many small ones."
    first = told.splits[0]
    if first.alike:
        kinds = sentence([told.context.model.dimensions[one.dimension].plural for one in told.splits])
        return f"It is spread over {kinds} in proportion to their size."
    named: list[str] = []
    seen: set[tuple[float | None, float | None, float]] = set()
    row = 0
    for number, one in enumerate(told.splits, start=1):
        for place, part in enumerate(one.parts[: TOP - 1] if number == 1 else one.parts[:1]):
            # An ad that is alone in its flight is the same change under another name.
            twin = (part.before, part.now, part.contribution)
            if len(named) < TOP and not one.alike and twin not in seen:
                seen.add(twin)
                at = row + place + 1
                figures = f"{{{{r{at}.before}}}} to {{{{r{at}.now}}}}, {{{{r{at}.explains}}}} of the change"
                named.append(f"{{{{told.kind{number}}}}} {{{{r{at}.part}}}} ({figures})")
        row += len(one.parts) + len(one.against)
    return f"Where it comes from: {'; '.join(named)}."


def _rates(told: Told) -> str:
    if not told.splits or told.splits[0].rate is None:
        return ""
    return "Over the {{told.kinds1}}, {{told.rate1}} came from their own rates and {{told.mix1}} from a different mix of them."


def _meanwhile(told: Told) -> str:
    if not told.events:
        return f"The audit log holds no change to budgets, creatives, targeting or models for that time. {NOT_PROOF}" if told.splits else ""
    changes = "change" if len(told.events) == 1 else "changes"
    return f"The audit log holds {{{{told.changes}}}} {changes} for that time, listed below. {NOT_PROOF}"


def _chart(rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    return {"type": "bar", "x": "part", "y": ["contribution"]} if rows else None


def _more(told: Told) -> tuple[tuple[str, tuple[Column, ...], tuple[tuple[Any, ...], ...]], ...]:
    if not told.events:
        return ()
    named = (("at", "when (UTC)"), ("what", "what"), ("change", "change"), ("who", "by"))
    columns = tuple(Column(name, label, "dimension") for name, label in named)
    rows = tuple((f"{event.at:%Y-%m-%d %H:%M}", event.what, event.change, event.who) for event in told.events)
    return (("Changed in that time: associated with it, not proof of cause", columns, rows),)
