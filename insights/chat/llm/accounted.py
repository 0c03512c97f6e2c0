"""Every word that the built-in analyst had no meaning for must be one that the model says the meaning of. It is shown with the answer, so that
a name nobody knows cannot be dropped without a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from insights.chat.text import words
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import SemanticQuery

from .checked import Invalid
from .redact import redacted

NOTHING = "nothing"
# Parts of a query that a word may stand for as a whole.
PARTS = ("intent", "period", "baseline", "grain", "order", "limit", "having", "filters", "focus", "subject")
# Only these may mean nothing. Whatever else is left out could be the name of something, or turn the question round.
_COURTESY_WORDS = """
actually again ahead already also always anyway basically bit bloody boss buddy bud cheers currently damn dear dude else even exactly
folks friend generally gimme gonna guess guys hmm honestly hopefully kind kindly lately let's like little literally lol lovely mate maybe
might mind moment need normally obviously ok okay ours overall perhaps pls plz pretty probably quick quickly quite real really right roughly
ridiculously say see seem seems simply so sort sorry sure team thanks though too totally truly try typically usually very wanna well wish
wonder wondering yeah yes you'd you'll you're you've
"""
COURTESY = frozenset(_COURTESY_WORDS.split())


def accounted(told: Any, unread: Sequence[str], query: SemanticQuery, vocabulary: Vocabulary) -> tuple[tuple[str, str], ...]:
    """(words, meaning) to show beside the answer. ``told``: ``[{words, means}]`` as the model gave it. Raises Invalid."""
    meanings = _meanings(query, vocabulary)
    said: list[tuple[str, str]] = []
    for item in told if isinstance(told, list) else []:
        if not isinstance(item, dict) or not isinstance(item.get("words"), str) or not isinstance(item.get("means"), str):
            raise Invalid("words must be a list of {words, means}")
        means = item["means"].strip()
        if means != NOTHING and means not in meanings:
            raise Invalid("each of the words must mean a part of the query that is in it", [*meanings, NOTHING])
        said.append((item["words"], means))
    missing = [word for word in unread if not any(word in words(typed) and _may_mean(word, means) for typed, means in said)]
    if missing:
        quoted = ", ".join(f'"{redacted(word, most=40)}"' for word in dict.fromkeys(missing))
        raise Invalid(f"say under words what {quoted} stands for in the query, or ask back: a word cannot be left out", [*meanings])
    relevant = [(typed, means) for typed, means in said if set(words(typed)) & set(unread)]
    return tuple((redacted(typed, most=60), meanings[means]) for typed, means in relevant if means != NOTHING)


def _may_mean(word: str, means: str) -> bool:
    return means != NOTHING or word in COURTESY


def _meanings(query: SemanticQuery, vocabulary: Vocabulary) -> dict[str, str]:
    """What a word may be said to stand for, with how that is shown: only parts that the query has."""
    model, cube = vocabulary.model, vocabulary.cubes.get(query.cube)
    found = {name: name for name in PARTS if getattr(query, name)}
    found |= {name: cube.measures[name].label for name in query.measures if cube}
    found |= {name: model.dimensions[name].label for name in query.dimensions}
    for part in (*query.filters, *query.focus):
        found[part.dimension] = model.dimensions[part.dimension].label
        for value, label in zip(part.values, part.labels or map(str, part.values), strict=True):
            found |= {str(value): label, f"{part.dimension}#{value}": label}
    if query.subject:
        found[query.subject] = query.subject.partition(":")[2]
    return found
