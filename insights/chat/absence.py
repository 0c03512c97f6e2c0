"""What to say where there is nothing: not recorded in the period, not yet in, nothing that matches, nothing that passes a threshold.

Every look is made under the caller's own scope, so that what they may not see is never told apart from what is not there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rapidfuzz import fuzz, process

from insights.semantic import compiler
from insights.semantic.compiler import Compiled
from insights.semantic.execute import run
from insights.semantic.query import Filter, Period, SemanticQuery
from insights.semantic.spine import Recorded, floor

from .context import Context
from .grounding import Facts, cell, moment, sentence
from .phrasing.interpretation import value_names
from .phrasing.words import SAYS_WHEN

NEAREST, LOOKED_AT = 3, 200


def nothing(query: SemanticQuery, facts: Facts, context: Context, filled: datetime | None) -> tuple[str, Facts, list[tuple[str, Compiled]]]:
    """The draft, the facts it names, and what was run to know it, each with its purpose."""
    about = " {{filters}}" if query.filters else ""
    if context.model.cubes[query.cube].time is None:
        near, ran = _nearest(query, context)
        return f"There is nothing{about} that you may see.{_suggest(near)}", _told(facts, near=near), ran
    extent = compiler.compile_extent(query, context.model, advertiser=context.scope.advertiser)
    values = run(extent, model=context.model, scope=context.scope).values
    first, last = values[0] if values else (None, None)
    ran = [("the time of what is recorded", extent)]
    if first is None:
        near, more = _nearest(query, context)
        draft = f"Nothing has been recorded{about} yet, in any period that you may see.{_suggest(near)}"
        return draft, _told(facts, near=near), ran + more
    start, end = query.period.start, query.period.end
    if filled and start and start >= filled:
        return f"There is no data{about} {_in(query)}{{{{period}}}} yet: the figures are filled to {{{{told.as_of}}}}.", facts, ran
    facts = _told(facts, first=moment(first, "day"), last=moment(last, "day"))
    runs = "from {{told.first}} to {{told.last}}"
    if start and end and _day(first) < start and _day(last) >= end:
        return f"There is no data{about} {_in(query)}{{{{period}}}}, though there are figures before and after it: they run {runs}.", facts, ran
    return f"There is no data{about} {_in(query)}{{{{period}}}}. What is recorded runs {runs}.", facts, ran


def begins_late(query: SemanticQuery, recorded: Recorded | None, now: datetime) -> str:
    """Where what is recorded begins inside the period or inside its baseline: a sum over fewer days than were named."""
    if recorded is None:
        return ""
    begins = f"What is recorded begins on {moment(recorded.first.isoformat(), 'day')}"
    days, lacking = _covered(query.period, recorded.first, now)
    before, lacking_before = _covered(query.baseline, recorded.first, now) if query.baseline else (0, 0)
    if 0 < lacking_before < before:
        compared = f"so the comparison is of {_days(days - lacking)} with {before - lacking_before}"
        return f"{begins}: {lacking_before} of the {_days(before)} before {_have(lacking_before)} nothing, {compared}."
    return f"{begins}: {lacking} of these {_days(days)} {_have(lacking)} nothing." if 0 < lacking < days else ""


def _covered(period: Period, first: datetime, now: datetime) -> tuple[int, int]:
    """How many days of the period have begun, and how many of them are over before the first figure."""
    if period.start is None:
        return 0, 0
    day = timedelta(days=1)
    start = floor(period.start, "day")
    days = -((start - min(period.end or now, now)) // day)
    return days, min(days, max(0, (floor(first, "day") - start) // day))


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def without_rows(query: SemanticQuery, facts: Facts) -> str:
    """Values that were asked for by name, beside others, and have no row among the result."""
    if query.having or not facts.whole:
        return ""
    missing: list[str] = []
    for part in query.filters:
        place = next((index for index, column in enumerate(facts.columns) if column.name == part.dimension), None)
        if part.op == "in" and len(part.values) > 1 and place is not None:
            there = {str(row[place]).casefold() for row in facts.rows}
            named = zip(part.values, value_names(part), part.labels or part.values, strict=True)
            missing += [name for value, name, label in named if not {str(value).casefold(), str(label).casefold()} & there]
    when = " in that time" if query.period.start or query.period.end else ""
    return f"Nothing is recorded for {sentence(missing)}{when}." if missing else ""


def _in(query: SemanticQuery) -> str:
    return "" if query.period.label.startswith(SAYS_WHEN) else "in "


def none_pass(query: SemanticQuery, facts: Facts) -> str:
    """Figures there are, and none passes the threshold: ``told.of`` were looked at, by ``told.condition``."""
    about = "{{filters}}, " if query.filters else "For "
    when = "{{period}}" if query.period.start or query.period.end or "as_of" not in facts.told else "as things stand at {{told.as_of}}"
    kind = f"{{{{plural.{query.dimensions[0]}}}}}" if query.dimensions else "rows"
    if facts.told.get("of") == "1" and query.dimensions:
        return f"{about}{when}, no {{{{label.{query.dimensions[0]}}}}} had {{{{told.condition}}}} ({{{{told.of}}}} looked at)."
    return f"{about}{when}, none of {{{{told.of}}}} {kind} had {{{{told.condition}}}}."


def _told(facts: Facts, **more: str) -> Facts:
    return replace(facts, told={**facts.told, **{name: words for name, words in more.items() if words}})


def _suggest(near: str) -> str:
    return " There is data for {{told.near}}." if near else ""


def _day(told: str) -> datetime:
    return datetime.fromisoformat(f"{told[:10]}T00:00:00+00:00")


def _nearest(query: SemanticQuery, context: Context) -> tuple[str, list[tuple[str, Compiled]]]:
    """Names with data that are nearest to the first filter's, among what the caller may see."""
    part = next((part for part in query.filters if part.op == "in"), None)
    if part is None:
        return "", []
    measure = query.measures[0]
    update = {
        "intent": "breakdown", "dimensions": (part.dimension,), "filters": _others(query, part), "measures": (measure,), "having": (), "focus": (),
        "period": Period(), "baseline": None, "grain": None, "order": None, "limit": LOOKED_AT,
    }  # fmt: skip
    try:
        compiled = compiler.compile_query(query.model_copy(update=update), context.model, advertiser=context.scope.advertiser)
    except compiler.QueryError:
        return "", []  # a value that needs more dimensions than this one
    rows = run(compiled, model=context.model, scope=context.scope).values
    names = [cell(row[0], compiled.columns[0], context.currency) for row in rows if row[0] is not None]
    wanted = value_names(part)[0]
    found = process.extract(wanted.lower(), [name.lower() for name in names], scorer=fuzz.WRatio, limit=NEAREST)
    return sentence([names[index] for _, _, index in found]), [(f"what there is by {part.dimension}", compiled)]


def _others(query: SemanticQuery, part: Filter) -> tuple[Filter, ...]:
    return tuple(other for other in query.filters if other != part)
