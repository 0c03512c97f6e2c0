"""The last check before SQL runs: an allow-list over characters and syntax tree. Whatever is not named here is refused, compiled SQL included.

A statement is one SELECT, or one over steps (``WITH``) that are each one SELECT: of tables and columns of the model, of earlier steps, or of a
series of times. No other text than UTC stands in it: every value is bound. What it says is what was read of it: the tree, written out again,
must be the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

MAX_LENGTH = 40_000
MAX_LIMIT = 5_000
MAX_NODES = 5_000
MAX_STEPS = 4
CHARACTERS = re.compile(r"[A-Za-z0-9_\s.,()=<>*/+\-%'\"]*\Z", re.ASCII)
COMMENT = re.compile(r"--|/\*")
NAME = re.compile(r"[a-z_][a-z0-9_]*\Z", re.ASCII)
PLACEHOLDER = re.compile(r"p[1-9][0-9]*\Z", re.ASCII)
ZONE = "UTC"
GRAINS = frozenset({"HOUR", "DAY", "WEEK", "MONTH"})
TIME_PARTS = frozenset({"ISODOW", "HOUR"})
# What may be cast to what: quotients are not whole numbers, a part of a time is one, a bound distance is an interval.
CASTS: dict[str, tuple[type[exp.Expression], ...]] = {"DOUBLE": (exp.Expression,), "INT": (exp.Extract,), "INTERVAL": (exp.Placeholder,)}
FUNCTIONS: tuple[type[exp.Expression], ...] = (
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.Nullif, exp.Coalesce, exp.Abs, exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.ArrayAgg,
    exp.DenseRank, exp.ExplodingGenerateSeries,
)  # fmt: skip
NODES: tuple[type[exp.Expression], ...] = (
    exp.Select, exp.With, exp.CTE, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.Null,
    exp.Placeholder, exp.Where, exp.Having, exp.Group, exp.Order, exp.Ordered, exp.Limit, exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ,
    exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Is, exp.Between, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Var, exp.Cast, exp.DataType, exp.Star,
    exp.Distinct, exp.Filter, exp.Window, exp.Case, exp.If, exp.Interval, exp.AtTimeZone, *FUNCTIONS,
)  # fmt: skip
# A part of a SELECT that is not named here is not allowed, whatever the parser comes to know.
SELECT_PARTS = frozenset({"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "order", "limit"})
TABLE_PARTS = frozenset({"this", "alias"})
JOIN_PARTS = frozenset({"this", "on", "side", "kind"})
WINDOW_PARTS = frozenset({"this", "partition_by", "order", "over"})


class Refused(ValueError):
    """The statement may not run; the message says which part of it."""


@dataclass(frozen=True)
class _Sources:
    """What a SELECT reads: its aliases with their columns, and which of them are steps or series rather than tables."""

    columns: dict[str, frozenset[str]]
    derived: frozenset[str]


def check(sql: str, *, columns: Mapping[str, frozenset[str]]) -> exp.Select:
    """The statement's tree when every part of it is allowed and it is limited to at most MAX_LIMIT rows.

    ``columns`` gives the tables that may be read with their columns. Raises Refused.
    """
    _check_text(sql)
    statement = _parsed(sql)
    _check_nodes(statement)
    steps: dict[str, frozenset[str]] = {}
    for step in _steps(statement):
        if step.alias in columns or step.alias in steps or step.args["alias"].args.get("columns"):
            raise Refused(f"the step {step.alias} needs a name of its own")
        steps[step.alias] = _check_select(step.this, columns, steps)
    _check_select(statement, columns, steps)
    _check_limit(statement)
    return statement


def _check_text(sql: str) -> None:
    if len(sql) > MAX_LENGTH:
        raise Refused("the statement is too long")
    if not CHARACTERS.match(sql):
        raise Refused("the statement has a character that no statement of ours has")
    if COMMENT.search(sql):
        raise Refused("the statement has a comment")


def _parsed(sql: str) -> exp.Select:
    try:
        statements = sqlglot.parse(sql, dialect="postgres")
        if len(statements) != 1 or not isinstance(statements[0], exp.Select):
            raise Refused("only one SELECT may run")
        again = statements[0].sql("postgres")
    except (SqlglotError, RecursionError) as error:
        raise Refused("the statement cannot be read") from error
    if _squeezed(again) != _squeezed(sql):
        raise Refused("the statement reads differently from how it is written")
    return statements[0]


def _squeezed(sql: str) -> str:
    return re.sub(r"\s", "", sql).upper()


def _check_nodes(statement: exp.Select) -> None:
    for count, node in enumerate(statement.walk()):
        if count > MAX_NODES:
            raise Refused("the statement is too large")
        if type(node) not in NODES:
            raise Refused(f"{type(node).__name__} is not allowed")
        if isinstance(node, exp.Select):
            if node is not statement and not isinstance(node.parent, exp.CTE):
                raise Refused("a SELECT within a SELECT is not allowed")
            _only(node, SELECT_PARTS, "a SELECT")
        _check_word(node)
        _check_call(node)


def _check_word(node: exp.Expr) -> None:
    """Names, values, and the few words that stand by themselves."""
    parent = node.parent
    if isinstance(node, exp.Identifier) and not (PLACEHOLDER if isinstance(parent, exp.Placeholder) else NAME).match(node.name):
        raise Refused(f"the name {node.name!r} is not one of ours")
    if isinstance(node, exp.Placeholder) and not PLACEHOLDER.match(node.name):
        raise Refused("values are bound as p1, p2 and so on")
    if isinstance(node, exp.Literal) and node.is_string and not _is_known_text(node):
        raise Refused("a text must be bound, not written")
    if isinstance(node, exp.Star) and not isinstance(parent, exp.Count):
        raise Refused("columns must be named; * is not allowed")
    if isinstance(node, exp.Var):
        allowed = TIME_PARTS if isinstance(parent, exp.Extract) else GRAINS if isinstance(parent, exp.TimestampTrunc | exp.Interval) else frozenset()
        if node.name not in allowed:
            raise Refused(f"the word {node.name} is not allowed there")


def _is_known_text(node: exp.Literal) -> bool:
    if isinstance(node.parent, exp.AtTimeZone | exp.TimestampTrunc):
        return node.name == ZONE
    return isinstance(node.parent, exp.Interval) and node.name == "1"


def _check_call(node: exp.Expr) -> None:
    """Functions in the one form in which they are needed."""
    if isinstance(node, exp.Cast) and not isinstance(node.this, CASTS.get(getattr(node.to.this, "name", ""), ())):
        raise Refused(f"a cast to {node.to.sql('postgres')} is not allowed")
    if isinstance(node, exp.DataType) and not isinstance(node.parent, exp.Cast):
        raise Refused("types are only cast to")
    if isinstance(node, exp.Distinct) and (not isinstance(node.parent, exp.Select) or node.args.get("on") or node.args.get("expressions")):
        raise Refused("DISTINCT is only allowed for whole rows")
    if isinstance(node, exp.Window):
        _only(node, WINDOW_PARTS, "a window")
        if not isinstance(node.this, exp.DenseRank) and not (isinstance(node.this, exp.Sum) and not isinstance(node.this.this, exp.Column)):
            raise Refused("only sums of totals and ranks may be taken over a window")
    if isinstance(node, exp.ArrayAgg) and not isinstance(node.this, exp.Column):
        raise Refused("only a column can be collected")
    if isinstance(node, exp.In) and (not node.expressions or not all(isinstance(value, exp.Placeholder) for value in node.expressions)):
        raise Refused("IN needs bound values")
    if isinstance(node, exp.ExplodingGenerateSeries):
        bounds = (node.args.get("start"), node.args.get("end"))
        if not isinstance(node.parent, exp.Table) or not all(isinstance(bound, exp.Placeholder) for bound in bounds):
            raise Refused("a series is only allowed between two bound times, as a table")
        if not isinstance(node.args.get("step"), exp.Interval):
            raise Refused("a series needs its step")
    if isinstance(node, exp.Interval) and not isinstance(node.parent, exp.ExplodingGenerateSeries):
        raise Refused("an interval is only allowed as the step of a series")


def _only(node: exp.Expr, parts: frozenset[str], what: str) -> None:
    if more := [part for part, value in node.args.items() if value and part not in parts]:
        raise Refused(f"{what} may not have {', '.join(more).strip('_')}")


def _steps(statement: exp.Select) -> list[exp.CTE]:
    steps = statement.args.get("with_")
    if steps is None:
        return []
    if steps.args.get("recursive") or steps.args.get("search") or len(steps.expressions) > MAX_STEPS:
        raise Refused(f"steps may neither recur nor be more than {MAX_STEPS}")
    for step in steps.expressions:
        _only(step, frozenset({"this", "alias"}), "a step")
        if not isinstance(step.this, exp.Select) or step.this.args.get("with_"):
            raise Refused("a step is one SELECT")
    return list(steps.expressions)


def _check_select(select: exp.Select, tables: Mapping[str, frozenset[str]], steps: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The names of the SELECT's columns, when all it reads is there to be read."""
    sources = _sources(select, tables, steps)
    names = [item.alias for item in select.expressions if isinstance(item, exp.Alias)]
    if len(names) != len(select.expressions) or len(set(names)) != len(names):
        raise Refused("every column needs a name of its own")
    for column in _own(select, exp.Column):
        if column.args.get("db") or column.args.get("catalog"):
            raise Refused("columns are named plainly")
        known = sources.columns.get(column.table)
        if column.table and (known is None or column.name not in known):
            raise Refused(f"the column {column.sql('postgres')} is not part of the model")
        if not column.table and not (column.name in names and isinstance(column.parent, exp.Ordered) and column.find_ancestor(exp.Window) is None):
            raise Refused(f"the column {column.name} must be written with its table")
    return frozenset(names)


def _sources(select: exp.Select, tables: Mapping[str, frozenset[str]], steps: Mapping[str, frozenset[str]]) -> _Sources:
    start = select.args.get("from_")
    if start is None:
        raise Refused("a statement reads at least one table")
    found: dict[str, frozenset[str]] = {}
    derived: set[str] = set()
    joins = select.args.get("joins") or []
    for table in (start.this, *(join.this for join in joins)):
        if not isinstance(table, exp.Table):
            raise Refused("tables are named plainly")
        if table.args.get("db"):
            raise Refused("tables are named plainly, without a schema")
        _only(table, TABLE_PARTS, "a table")
        alias = table.alias_or_name
        if alias in found or not alias:
            raise Refused("every table needs an alias of its own")
        found[alias] = _columns_of(table, tables, steps)
        if not isinstance(table.this, exp.Identifier) or table.name in steps:
            derived.add(alias)
    sources = _Sources(found, frozenset(derived))
    for join in joins:
        _check_join(join, start.this, sources)
    return sources


def _columns_of(table: exp.Table, tables: Mapping[str, frozenset[str]], steps: Mapping[str, frozenset[str]]) -> frozenset[str]:
    alias = table.args.get("alias")
    renamed = alias.args.get("columns") if alias else None
    if isinstance(table.this, exp.ExplodingGenerateSeries):
        if not renamed or len(renamed) != 1:
            raise Refused("a series needs one name for its times")
        return frozenset({renamed[0].name})
    if not isinstance(table.this, exp.Identifier) or renamed:
        raise Refused("tables are named plainly, without a schema and without calls")
    if table.name in steps:
        return steps[table.name]
    if table.name not in tables:
        raise Refused(f"the table {table.name} is not part of the model")
    return tables[table.name]


def _check_join(join: exp.Join, start: exp.Table, sources: _Sources) -> None:
    """Tables are joined by equal columns. Only the groups that were found are laid across a series of times."""
    _only(join, JOIN_PARTS, "a join")
    if join.args.get("kind") == "CROSS":
        if join.args.get("on") or join.this.alias_or_name not in sources.derived or not isinstance(start.this, exp.ExplodingGenerateSeries):
            raise Refused("a CROSS JOIN is only allowed between a series and a step")
        return
    if join.args.get("side") != "LEFT" or join.args.get("kind"):
        raise Refused("only a LEFT JOIN is allowed")
    terms = list(_terms(join.args.get("on")))
    if not terms or not all(_tells_apart(term) for term in terms):
        raise Refused("a join needs equal columns of two tables as its condition")


def _terms(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from _terms(condition.left)
        yield from _terms(condition.right)
    elif condition is not None:
        yield condition


def _tells_apart(term: exp.Expr) -> bool:
    return (
        isinstance(term, exp.EQ) and isinstance(term.left, exp.Column) and isinstance(term.right, exp.Column) and term.left.table != term.right.table
    )


def _own(select: exp.Select, kind: type[exp.Column]) -> Iterator[exp.Column]:
    """Nodes of this SELECT and not of its steps."""
    for node in select.walk(prune=lambda inner: isinstance(inner, exp.With)):
        if isinstance(node, kind):
            yield node


def _check_limit(statement: exp.Select) -> None:
    limit = statement.args.get("limit")
    value = limit.expression if isinstance(limit, exp.Limit) else None
    if not isinstance(value, exp.Literal) or value.is_string or not value.name.isdigit() or int(value.name) > MAX_LIMIT:
        raise Refused(f"a statement must have a LIMIT of at most {MAX_LIMIT}")
