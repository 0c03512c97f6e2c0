"""What the read-only role may read: the columns a semantic model names, those that its views are made of, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from adplatform.runtime import INSIGHTS_ROLE

from .model import SemanticModel
from .people import check_nobody_is_read

log = structlog.get_logger(__name__)
HOW_TO_CREATE = (
    f"the role {INSIGHTS_ROLE} is missing and this login may not create roles; as an administrator run: "
    f"CREATE ROLE {INSIGHTS_ROLE} LOGIN NOINHERIT; GRANT {INSIGHTS_ROLE} TO <the application's role>; then `manage.py semantic_grant`"
)


class RoleMissing(RuntimeError):
    """The read-only role does not exist and cannot be created from here."""


def ensure_role() -> None:
    """Create the read-only role where this login may. Raises RoleMissing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [INSIGHTS_ROLE])
        if cursor.fetchone():
            return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {INSIGHTS_ROLE} NOLOGIN NOINHERIT")
            cursor.execute(f"GRANT {INSIGHTS_ROLE} TO CURRENT_USER")
    except DatabaseError as error:
        raise RoleMissing(HOW_TO_CREATE) from error


def grant(model: SemanticModel) -> dict[str, tuple[str, ...]]:
    """Let the read-only role SELECT the model's columns; safe to repeat. Returns what was granted, by table.

    Raises RoleMissing, and LookupError for tables or columns that are not there, for those that tell of people, and for views
    that would read with their owner's rights.
    """
    ensure_role()
    with transaction.atomic(), connection.cursor() as cursor:
        wanted = reach(cursor, model)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {INSIGHTS_ROLE}")
        for table, columns in wanted.items():
            cursor.execute(
                sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), sql.Identifier(INSIGHTS_ROLE)
                )
            )
    return wanted


def reach(cursor: CursorWrapper, model: SemanticModel) -> dict[str, tuple[str, ...]]:
    """Every table and view that the model reads with the columns it needs there. A view that reads as its caller needs those of its tables too.

    Raises LookupError.
    """
    wanted = {table: set(columns) for table, columns in model.columns().items()}
    _check_present(cursor, wanted)
    _check_views(cursor, list(wanted))
    waiting = list(wanted)
    while waiting:
        cursor.execute(_BEHIND_VIEWS, [waiting])
        waiting = []
        for table, column in cursor.fetchall():
            waiting += [table] if table not in wanted else []
            wanted.setdefault(table, set()).add(column)
    check_nobody_is_read(cursor, wanted)
    return {table: tuple(sorted(columns)) for table, columns in sorted(wanted.items())}


# Of each view the columns that its rule reads, as the database itself keeps them.
_BEHIND_VIEWS = """
SELECT DISTINCT t.relname, a.attname
FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE v.relkind = 'v' AND v.relnamespace = current_schema()::regnamespace AND v.relname = ANY(%s)
ORDER BY 1, 2
"""


def _check_present(cursor: CursorWrapper, wanted: Mapping[str, Iterable[str]]) -> None:
    cursor.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)",
        [list(wanted)],
    )
    present = set(cursor.fetchall())
    tables = {table for table, _ in present}
    missing = [
        f"{table}.{column}" if table in tables else table
        for table, columns in sorted(wanted.items())
        for column in (sorted(columns) if table in tables else [""])
        if (table, column) not in present
    ]
    if missing:
        raise LookupError(f"the model names what the database does not have: {', '.join(missing)}")


def _check_views(cursor: CursorWrapper, names: list[str]) -> None:
    """Row-level security of the tables behind a view holds for its caller only where the view reads as its caller."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s) AND relkind IN ('v', 'm')"
        " AND (relkind = 'm' OR NOT coalesce(reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=1}') ORDER BY 1",
        [names],
    )
    if owned := [name for (name,) in cursor.fetchall()]:
        raise LookupError(
            f"{', '.join(owned)} would read with the owner's rights, past row-level security; "
            f"make each a plain view WITH (security_invoker = true): ALTER VIEW {owned[0]} SET (security_invoker = true)"
        )


def grant_after_migrate(**_: object) -> None:
    """Runs when migrations have: the grants follow the shipped model without a migration of their own."""
    from .loading import load

    try:
        grant(load())
    except RoleMissing as problem:
        log.warning("insights_role_missing", problem=str(problem))
    except LookupError as problem:
        # Migrating backwards, or only some rooms: the tables are not all there yet.
        log.info("insights_grants_wait", problem=str(problem))
