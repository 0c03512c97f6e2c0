"""Which part answers which kind of question. Each is handed the query and the context and gives an Outcome."""

from __future__ import annotations

from collections.abc import Callable

from insights.semantic.execute import session
from insights.semantic.query import Intent, SemanticQuery

from . import catalogue, figures
from .context import Context, Outcome
from .why.explain import explained

Handler = Callable[[SemanticQuery, Context], Outcome]
HANDLERS: dict[Intent, Handler] = {
    "value": figures.found,
    "overview": figures.found,
    "breakdown": figures.found,
    "rank": figures.found,
    "trend": figures.found,
    "compare": figures.found,
    "share": figures.found,
    "pacing": figures.found,
    "why": explained,
    "list": catalogue.listed,
    "define": catalogue.defined,
    "help": catalogue.helped,
}


def answered(query: SemanticQuery, context: Context) -> Outcome:
    """All that is read for it is read in one transaction. Raises CannotRun, QueryError, Refused."""
    with session(context.scope):
        return HANDLERS[query.intent](query, context)
