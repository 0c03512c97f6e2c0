"""What the read-only role may read: the columns a semantic model names, and nothing else."""

from __future__ import annotations

import structlog
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adplatform.runtime import INSIGHTS_ROLE

from .model import SemanticModel

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

    Raises RoleMissing, and LookupError for tables or columns that are not there.
    """
    ensure_role()
    wanted = {table: tuple(sorted(columns)) for table, columns in sorted(model.columns().items())}
    with transaction.atomic(), connection.cursor() as cursor:
        _check_present(cursor, wanted)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {INSIGHTS_ROLE}")
        for table, columns in wanted.items():
            cursor.execute(
                sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), sql.Identifier(INSIGHTS_ROLE)
                )
            )
    return wanted


def _check_present(cursor: object, wanted: dict[str, tuple[str, ...]]) -> None:
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)",
        [list(wanted)],
    )
    present = set(cursor.fetchall())  # type: ignore[attr-defined]
    missing = [f"{table}.{column}" for table, columns in wanted.items() for column in columns if (table, column) not in present]
    if missing:
        raise LookupError(f"the model names what the database does not have: {', '.join(missing)}")


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
