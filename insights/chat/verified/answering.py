"""The verified question that an asked one is, if it is one, with its query made for the asker and the asked period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import QuerySet

from insights.chat import analyst, dates
from insights.chat.context import Context
from insights.chat.reading import Understood
from insights.chat.text import stems, words
from insights.chat.vocabulary import Vocabulary
from insights.models import VerifiedQuery
from insights.semantic.compiler import QueryError, compile_query
from insights.semantic.query import WITHOUT_FIGURES, Filter, Period, SemanticQuery
from insights.semantic.retrieval.questions import NoLongerFits, cubes_of, stored
from insights.semantic.retrieval.store import visible

from .patterns import Pattern, pattern, same, slotted

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class VerifiedHit:
    """``query`` is ready to run: its period and names are those of the asked question."""

    pk: int
    question: str
    query: SemanticQuery
    by: str
    at: str
    note: str

    def badge(self) -> dict[str, Any]:
        """What an answer shows of it."""
        return {"id": self.pk, "question": self.question, "by": self.by, "at": self.at, "note": self.note}


@dataclass(frozen=True)
class _Match:
    """``filters`` in place of the stored ones, where a name was asked in place of another's."""

    row: VerifiedQuery
    query: SemanticQuery
    filters: tuple[Filter, ...] | None = None


def verified(question: str, context: Context, vocabulary: Vocabulary) -> VerifiedHit | None:
    """Exact or near-exact only: anything else is read word by word as always. One that no longer fits the model answers nobody."""
    said = words(question)
    if not said:
        return None
    for match in _matches(said, context, vocabulary):
        query = match.query if match.filters is None else match.query.model_copy(update={"filters": match.filters})
        dated = asked_of(question, query, context, vocabulary)
        if dated is not None and _may_see(match.row, dated, context, vocabulary):
            row = match.row
            staff = context.scope.advertiser is None
            by = row.verified_by.get_username() if row.verified_by and staff else "staff"
            return VerifiedHit(row.pk, row.question, dated, by, row.verified_at.isoformat() if row.verified_at else "", row.note)
    return None


def live() -> QuerySet[VerifiedQuery]:
    return VerifiedQuery.objects.filter(state=VerifiedQuery.State.VERIFIED).select_related("verified_by").order_by("pk")


def _matches(said: tuple[str, ...], context: Context, vocabulary: Vocabulary) -> Iterator[_Match]:
    asked = pattern(said, now=context.now)
    rows = list(live())
    for row in rows:
        if any(_same(asked, words(text), context, vocabulary) for text in (row.question, *row.phrasings)) and (query := _stored(row, context)):
            yield _Match(row, query)
    entities = set(context.model.entities())
    for row in rows:
        names = [part for part in row.query.get("filters", ()) if isinstance(part, dict) and part.get("dimension") in entities]
        if names and (query := _stored(row, context)) and (filters := _instead(said, row, query, context, vocabulary)):
            yield _Match(row, query, filters)


def _same(asked: Pattern, text: tuple[str, ...] | list[str], context: Context, vocabulary: Vocabulary) -> bool:
    other = pattern(text, now=context.now)
    # A question without a period is another than one with: all that was ever recorded is not last week.
    return (asked.dated or not other.dated) and same(asked, other, known=vocabulary.knows)


def _stored(row: VerifiedQuery, context: Context) -> SemanticQuery | None:
    try:
        return stored(row.query, context.model)
    except NoLongerFits as problem:
        log.warning("verified_question_no_longer_fits", question=row.pk, problem=str(problem))
        return None


def _instead(said: tuple[str, ...], row: VerifiedQuery, query: SemanticQuery, context: Context, vocabulary: Vocabulary) -> tuple[Filter, ...] | None:
    """The stored filters with the asked names in place of the stored ones, where the questions are the same but for the names."""
    entities = context.model.entities()
    places = [(index, part) for index, part in enumerate(query.filters) if part.dimension in entities and len(part.labels) == 1 == len(part.values)]
    own = {stems(part.labels[0]): f"{{{part.dimension}}}" for _, part in places}
    kinds = {part.dimension for _, part in places}
    theirs = {key: f"{{{named[0].dimension}}}" for key, named in vocabulary.names.items() if len(named) == 1 and named[0].dimension in kinds}
    for text in (row.question, *row.phrasings):
        for held, before in slotted(words(text), own):
            for asked, after in slotted(said, theirs):
                if len(before) == len(after) == len(places) and _same(pattern(asked, now=context.now), held, context, vocabulary):
                    by_name = {stems(part.labels[0]): index for index, part in places}
                    filters = list(query.filters)
                    for old, new in zip(before, after, strict=True):
                        thing = vocabulary.names[new][0]
                        filters[by_name[old]] = filters[by_name[old]].model_copy(update={"values": (thing.key,), "labels": (thing.name,)})
                    return tuple(filters)
    return None


def asked_of(question: str, query: SemanticQuery, context: Context, vocabulary: Vocabulary) -> SemanticQuery | None:
    """The query over the period that the question says. None where that cannot be told, or cannot be asked of the cube."""
    said = pattern(words(question), now=context.now)
    if query.intent in WITHOUT_FIGURES or context.model.cubes[query.cube].time is None:
        return None if said.dated else query
    periods = _periods(question, query, said, context, vocabulary)
    if periods is None:
        return None
    period, baseline = periods
    dated = query.model_copy(update={"period": period, "baseline": baseline})
    try:
        compile_query(dated, context.model, advertiser=context.scope.advertiser)
    except QueryError:
        return None
    return dated


def _periods(question: str, query: SemanticQuery, said: Pattern, context: Context, vocabulary: Vocabulary) -> tuple[Period, Period | None] | None:
    """Period and baseline as the analyst reads them from the question, else the one period that stands in it."""
    if not said.dated and query.baseline is None and query.period.start is None and query.period.end is None:
        return query.period, None
    reading = analyst.read(question, vocabulary, now=context.now)
    if isinstance(reading, Understood) and (reading.query.baseline is None) == (query.baseline is None):
        told = reading.query.period
        return (told, reading.query.baseline) if said.dated or told.start else None
    found = dates.find_periods(words(question), now=context.now)
    if len(found) != 1 or found[0].future or found[0].kind == "hours":
        return None
    if query.baseline is None:
        return found[0].period, None
    before = dates.before(found[0].period, context.now)
    return (found[0].period, before) if before else None


def _may_see(row: VerifiedQuery, query: SemanticQuery, context: Context, vocabulary: Vocabulary) -> bool:
    """The cubes, the question itself, and every name in the query: what a member may not see is not there for them."""
    scope, model = context.scope, context.model
    if not any(scope.sees(model.cubes[name]) for name in cubes_of(query, model)):
        return False
    if scope.advertiser is None:
        return True
    entities = model.entities()
    seen = {(thing.dimension, str(thing.key)) for thing in vocabulary.things}
    named = [(part.dimension, str(value)) for part in (*query.filters, *query.focus) if part.dimension in entities for value in part.values]
    return set(named) <= seen and visible(model, scope).filter(ref=f"question:{row.pk}").exists()
