"""SemanticQuery to PostgreSQL, built as a syntax tree with bound parameters: no text of a question ever becomes SQL text."""

from .beside import compile_extent, compile_freshness, compile_names, compile_origin, compile_recorded
from .checks import checked_cube, hourly, shown_measures
from .facts import TIME
from .figures import compile_query
from .result import Column, Compiled, QueryError

__all__ = [
    "TIME",
    "Column",
    "Compiled",
    "QueryError",
    "checked_cube",
    "compile_extent",
    "compile_freshness",
    "compile_names",
    "compile_origin",
    "compile_query",
    "compile_recorded",
    "hourly",
    "shown_measures",
]
