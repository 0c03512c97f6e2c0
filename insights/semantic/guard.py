"""The last check before SQL runs: an allow-list over the syntax tree. Whatever is not named here is refused, compiled SQL included."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

MAX_LENGTH = 20_000
MAX_LIMIT = 5_000
MAX_NODES = 2_000
FUNCTIONS: tuple[type[exp.Expression], ...] = (
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.Nullif, exp.Coalesce, exp.Round, exp.Abs, exp.TimestampTrunc, exp.DateTrunc,
)  # fmt: skip
CASTS = frozenset({"DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INT", "DATE", "TIMESTAMP", "TIMESTAMPTZ"})
NODES: tuple[type[exp.Expression], ...] = (
    exp.Select, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean,
    exp.Placeholder, exp.Where, exp.Having, exp.Group, exp.Order, exp.Ordered, exp.Limit, exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ,
    exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Is, exp.Between, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Var, exp.Cast, exp.DataType,
    exp.DataTypeParam, exp.Star, exp.Distinct, *FUNCTIONS,
)  # fmt: skip
FORBIDDEN_PARTS = ("into", "locks", "with_", "with", "sample", "laterals", "windows", "qualify", "kind", "hint")


class Refused(ValueError):
    """The statement may not run; the message says which part of it."""


def check(sql: str, *, columns: Mapping[str, frozenset[str]]) -> exp.Select:
    """The statement's tree when every part of it is allowed and it is limited to at most MAX_LIMIT rows.

    ``columns`` gives the tables that may be read with their columns. Raises Refused.
    """
    if len(sql) > MAX_LENGTH:
        raise Refused("the statement is too long")
    try:
        statements = sqlglot.parse(sql, dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise Refused("the statement cannot be read") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise Refused("only one SELECT may run")
    statement = statements[0]
    _check_nodes(statement)
    tables = _check_tables(statement, columns)
    _check_columns(statement, tables, columns)
    _check_limit(statement)
    return statement


def _check_nodes(statement: exp.Select) -> None:
    for count, node in enumerate(statement.walk()):
        if count > MAX_NODES:
            raise Refused("the statement is too large")
        if type(node) not in NODES:
            raise Refused(f"{type(node).__name__} is not allowed")
        if isinstance(node, exp.Select) and (node is not statement or any(node.args.get(part) for part in FORBIDDEN_PARTS)):
            raise Refused("only one plain SELECT is allowed")
        if isinstance(node, exp.Cast) and getattr(node.to.this, "name", "") not in CASTS:
            raise Refused(f"a cast to {node.to.sql('postgres')} is not allowed")
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise Refused("columns must be named; * is not allowed")
        if isinstance(node, exp.Var) and not isinstance(node.parent, exp.TimestampTrunc | exp.DateTrunc):
            raise Refused("bare words are not allowed")
        if isinstance(node, exp.Join) and (not node.args.get("on") or node.args.get("kind") == "CROSS" or node.args.get("method")):
            raise Refused("a join needs its condition")


def _check_tables(statement: exp.Select, columns: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Alias to table, for every table of the statement."""
    tables: dict[str, str] = {}
    for table in statement.find_all(exp.Table):
        if table.args.get("db") or table.args.get("catalog") or not isinstance(table.this, exp.Identifier):
            raise Refused("tables are named plainly, without a schema and without calls")
        if any(table.args.get(part) for part in ("joins", "laterals", "pivots", "sample", "only", "ordinality")):
            raise Refused("tables are named plainly")
        if table.name not in columns:
            raise Refused(f"the table {table.name} is not part of the model")
        if table.alias_or_name in tables:
            raise Refused("every table needs an alias of its own")
        tables[table.alias_or_name] = table.name
    if not tables:
        raise Refused("a statement reads at least one table")
    return tables


def _check_columns(statement: exp.Select, tables: Mapping[str, str], columns: Mapping[str, frozenset[str]]) -> None:
    aliases = {item.alias for item in statement.expressions if isinstance(item, exp.Alias)}
    for column in statement.find_all(exp.Column):
        if column.args.get("db") or column.args.get("catalog"):
            raise Refused("columns are named plainly")
        table = tables.get(column.table)
        if column.table and (table is None or column.name not in columns[table]):
            raise Refused(f"the column {column.sql('postgres')} is not part of the model")
        if not column.table and not (column.name in aliases and column.find_ancestor(exp.Order)):
            raise Refused(f"the column {column.name} must be written with its table")


def _check_limit(statement: exp.Select) -> None:
    limit = statement.args.get("limit")
    value = limit.expression if isinstance(limit, exp.Limit) else None
    if not isinstance(value, exp.Literal) or value.is_string or not value.name.isdigit() or int(value.name) > MAX_LIMIT:
        raise Refused(f"a statement must have a LIMIT of at most {MAX_LIMIT}")
