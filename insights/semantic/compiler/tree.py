"""Pieces of a syntax tree. Names come from the checked model alone; every value is a placeholder."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

# Words PostgreSQL keeps for itself; a column or dimension of that name is quoted.
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation column concurrently
constraint create cross current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end
except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading
left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric table tablesample then to trailing true union unique user using variadic verbose
when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())


def identifier(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=name in RESERVED)


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def named(expression: exp.Expr, name: str) -> exp.Alias:
    return exp.Alias(this=expression, alias=identifier(name))


def table(name: str, alias: str | None = None) -> exp.Table:
    return exp.Table(this=identifier(name), alias=exp.TableAlias(this=identifier(alias)) if alias else None)


def number(value: float) -> exp.Expr:
    return exp.Literal.number(int(value) if float(value).is_integer() else value)


def over(expression: exp.Expr, divisor: exp.Expr) -> exp.Div:
    """A quotient that is NULL where there is nothing to divide by. PostgreSQL divides whole numbers to whole numbers; the generator casts."""
    return exp.Div(this=bracketed(expression), expression=exp.Nullif(this=divisor, expression=number(0)))


def bracketed(expression: exp.Expr) -> exp.Expr:
    return exp.Paren(this=expression) if isinstance(expression, exp.Binary) else expression


def either(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Paren(this=exp.or_(*conditions, wrap=False))


def zero_if_null(expression: exp.Expr) -> exp.Coalesce:
    return exp.Coalesce(this=expression, expressions=[number(0)])


def by(expression: exp.Expr, *, descending: bool) -> exp.Ordered:
    return exp.Ordered(this=expression, desc=descending, nulls_first=False)


def text(select: exp.Select) -> str:
    return select.sql("postgres", pretty=True)
