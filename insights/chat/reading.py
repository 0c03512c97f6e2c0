"""How a question was read: a query, a question back, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass

from insights.semantic.query import SemanticQuery


@dataclass(frozen=True)
class Choice:
    """``question`` is what picking it asks."""

    label: str
    question: str


@dataclass(frozen=True)
class Understood:
    """``repairs`` are (typed, meant). ``follows``: it was read as an edit of the query before it.
    ``widened``: dimensions that the query before was limited on and this one is split by."""

    query: SemanticQuery
    repairs: tuple[tuple[str, str], ...] = ()
    follows: bool = False
    widened: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clarify:
    """``kind``: ``choice`` between known things, which only the asker can make, or ``unknown`` words."""

    text: str
    choices: tuple[Choice, ...] = ()
    kind: str = "choice"


@dataclass(frozen=True)
class Refuse:
    """``kind``: what the reading failed at, so that a language model is asked only where it could help. ``unknown`` words, ``capability``
    (what the business could know and we do not), ``forbidden`` (a command, an injection, another's figures), ``future``, ``empty``."""

    text: str
    kind: str = "unknown"


Reading = Understood | Clarify | Refuse
