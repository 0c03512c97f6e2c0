"""Follow-ups: what is said edits the query before it. A question complete in itself never inherits."""

from __future__ import annotations

from datetime import datetime

from insights.chat.grammar import RANKS
from insights.chat.tagging import Tag, Tagged
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import SemanticQuery

from . import coverage, guard
from .edits import apply
from .frame import of_query
from .others import is_list
from .questions import framed
from .says import ask

_WEAK_LEADS_WORDS = "and also but now then so plus ok okay only just or add include"
_WEAK_LEADS = frozenset(_WEAK_LEADS_WORDS.split())
_STRONG_WORDS = "same instead again"
_STRONG = frozenset(_STRONG_WORDS.split())
_PRONOUNS_WORDS = "it they them those these that"
_PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
_CONTROLS_WORDS = "filter filters more reset everything all"
_CONTROLS = frozenset(_CONTROLS_WORDS.split())
# Words that edits account for themselves.
_ALLOWED_WORDS = """
same instead again filter filters else but now keep rest everything remove drop clear reset add include including plus switch set use more
ones only just previous restrict limit limited narrow filtered longer another further first next but change show us rather also not no
without
"""
ALLOWED = frozenset(_ALLOWED_WORDS.split())


def is_one(tagged: Tagged, vocabulary: Vocabulary) -> bool:
    """Whether this needs the question before it."""
    del vocabulary
    words = [token.word for token in tagged.tokens]
    if set(words) & _STRONG or words[:2] in (["what", "about"], ["how", "about"]):
        return True
    if _points_back(tagged):
        return True
    measures, values, dimensions = tagged.of("measure"), tagged.of("value"), tagged.of("dimension")
    periods = tagged.of("period")
    if words and words[0] in _WEAK_LEADS and not (measures and periods and (values or dimensions or tagged.of("grain"))):
        return bool(tagged.tags or set(words) & _CONTROLS)
    if _complete(tagged):
        return False
    return bool(tagged.tags or set(words) & _CONTROLS)


def _points_back(tagged: Tagged) -> bool:
    """``that campaign``, or ``it`` where nothing else is named."""
    if any(tagged.before(one) in ("that", "this", "those", "these", "same") for one in tagged.of("dimension")):
        return True
    loose = any(token.word in _PRONOUNS and not tagged.covered(index) for index, token in enumerate(tagged.tokens))
    return loose and not tagged.of("value") and not tagged.of("measure") and not tagged.of("dimension")


def _complete(tagged: Tagged) -> bool:
    operators = tagged.operators()
    if "help" in operators or tagged.of("ambiguous") or tagged.of("cube"):
        return True
    named: list[Tag] = [*tagged.of("value"), *tagged.of("dimension")]
    if tagged.of("measure"):
        return not ("sort" in operators and not named and not tagged.of("period") and not operators & set(RANKS))
    if operators & {"pacing", "behind", "ahead"}:
        return bool(named)
    if "define" in operators:
        return bool(tagged.of("dimension"))
    if "overview" in operators:
        return bool(named) or bool(tagged.of("period"))
    return is_list(tagged)


def edited(tagged: Tagged, vocabulary: Vocabulary, previous: SemanticQuery, now: datetime) -> SemanticQuery:
    """Raises Stop."""
    guard.check_ahead(tagged)
    coverage.check(tagged, vocabulary, allowed=ALLOWED)
    if not previous.measures:
        raise ask("I can't tell what that refers to. Please ask it in full, with the figure you want.")
    operators = tagged.operators()
    if "define" in operators and not tagged.of("measure"):
        return SemanticQuery(intent="define", measures=previous.measures[:1], subject=f"measure:{previous.measures[0]}")
    said = framed(tagged, vocabulary, now, before=previous.measures)
    frame = of_query(previous, vocabulary, now, tagged)
    frame.operators = operators
    query = apply(frame, said, tagged, previous)
    if query == previous:
        raise ask("That would change nothing. What should I change: the figure, the period, the split or the filter?")
    return query
