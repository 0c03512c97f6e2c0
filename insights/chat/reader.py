"""Who reads a question: the built-in analyst, and only where words stay unknown to it the language model, whose reading is checked alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from insights.semantic.names import names_for
from insights.semantic.query import SemanticQuery
from insights.semantic.retrieval import Hit, search

from . import analyst
from .answer import BUILT_IN
from .context import Context
from .llm import Assistant, PlanFailed, Question
from .reading import Choice, Clarify, Reading, Refuse, Understood
from .tagging import tag
from .verified import VerifiedHit, verified
from .vocabulary import Vocabulary, build

MOST_CHOICES = 3
# A model is shown more of the catalogue than a person would read.
MOST_HITS = 30


@dataclass(frozen=True)
class Read:
    """``checked``: what staff have checked and answers first. ``planner``: the language model that read it, where the analyst could not.
    ``note``: what went otherwise than it should. ``hits``: what of the catalogue the question was found to speak of."""

    reading: Reading
    hits: tuple[Hit, ...] = ()
    checked: VerifiedHit | None = None
    planner: str = ""
    note: str = ""

    def engine(self, phrased_by: str = "") -> str:
        if self.planner:
            return f"planned {'and phrased ' if phrased_by else ''}by {self.planner}, figures from SQL"
        return f"phrased by {phrased_by}" if phrased_by else BUILT_IN


def vocabulary_for(context: Context) -> Vocabulary:
    """The model's words and the names that this caller may see, read under the caller's own scope."""
    model, scope = context.model, context.scope
    return build(model, names_for(model, scope).by_dimension, scope=scope)


def read(question: str, context: Context, *, assistant: Assistant | None, previous: SemanticQuery | None = None) -> Read:
    """What staff have checked answers first, then the analyst reads, then the model is asked. Raises CannotRun."""
    hits, vocabulary = tuple(search(question, context)), vocabulary_for(context)
    if checked := verified(question, context, vocabulary):
        return Read(Understood(checked.query), hits, checked)
    own = analyst.read(question, vocabulary, now=context.now, previous=previous)
    if assistant is None or not may_help(own):
        return Read(own, hits)
    hits = tuple(search(question, context, limit=MOST_HITS, endpoint=True))
    try:
        planned = assistant.plan(Question(question, context, vocabulary, hits, _unread(question, vocabulary, context), previous))
    except PlanFailed as failure:
        return Read(own, hits, note=f"{assistant.model} did not help ({failure}); this is the built-in analyst's own answer.")
    if isinstance(planned, Clarify):
        planned = replace(planned, choices=_readable(planned, vocabulary, context))
        if not planned.choices:
            return Read(own, hits, note=f"{assistant.model} found no answer in what can be asked either; this is the built-in analyst's own answer.")
    return Read(planned, hits, planner=assistant.model)


def may_help(reading: Reading) -> bool:
    """Only where words were unknown: what is forbidden, ahead or not recorded stays so whoever reads it, and a choice between known things is
    the asker's."""
    return isinstance(reading, Refuse | Clarify) and reading.kind == "unknown"


def _unread(question: str, vocabulary: Vocabulary, context: Context) -> list[str]:
    tagged = tag(question, vocabulary, now=context.now)
    return list(dict.fromkeys(tagged.tokens[index].word for index in tagged.leftover() if any(map(str.isalnum, tagged.tokens[index].word))))


def _readable(clarify: Clarify, vocabulary: Vocabulary, context: Context) -> tuple[Choice, ...]:
    """Of the questions that a model offers, those that lead to an answer."""
    read = (choice for choice in clarify.choices if isinstance(analyst.read(choice.question, vocabulary, now=context.now), Understood))
    return tuple(islice(read, MOST_CHOICES))
