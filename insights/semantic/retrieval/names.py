"""Names of things with whose they are, from the tables the semantic model names. Who owns what is found, never written down twice.

An entity's owner is its ``scope`` column; without one, the scope of what it belongs to, along the foreign keys of its ``needs``. A table that
is row-secured and whose owners cannot be found so is shown to those alone who see every advertiser: unknown means nobody's, unless the model
says that it is shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from insights.semantic.model import Entity, SemanticModel

MOST_NAMES = 5000
MOST_STEPS = 4


@dataclass(frozen=True)
class Thing:
    """``within`` names what it belongs to, nearest first. ``unscoped``: its owner is not known."""

    dimension: str
    key: int | str
    name: str
    within: tuple[str, ...] = ()
    owner: int | None = None
    unscoped: bool = False


@dataclass(frozen=True)
class _Step:
    """Up a foreign key: ``column`` of the entity before points to ``key`` of ``entity``."""

    column: str
    key: str
    entity: Entity


def things(model: SemanticModel) -> list[Thing]:
    """As the application's own role reads them, every advertiser's; the newest of more than MOST_NAMES."""
    used = {name for cube in model.cubes.values() for name in cube.dimensions if not model.dimensions[name].hidden}
    with connection.cursor() as cursor:
        return [thing for name, entity in model.entities().items() if name in used for thing in _read(cursor, name, entity, model)]


def _read(cursor: CursorWrapper, dimension: str, entity: Entity, model: SemanticModel) -> Iterator[Thing]:
    secured = _secured(cursor, entity.table)
    if secured is None:
        return  # migrating: the table is not there yet
    steps = [] if entity.scope else _steps(cursor, entity, model) or []
    owner_of = (entity.scope, "e0") if entity.scope else (steps[-1].entity.scope, f"e{len(steps)}") if steps else None
    cursor.execute(_statement(entity, steps, owner_of))
    for key, name, owner, *within in cursor.fetchall():
        unscoped = secured and owner is None and not entity.shared
        yield Thing(dimension, key, str(name), tuple(str(part) for part in within if part), owner, unscoped=unscoped)


def _statement(entity: Entity, steps: list[_Step], owner_of: tuple[str | None, str] | None) -> sql.Composed:
    def column(alias: str, name: str) -> sql.Composed:
        return sql.SQL("{}.{}").format(sql.Identifier(alias), sql.Identifier(name))

    owner = column(owner_of[1], owner_of[0]) if owner_of and owner_of[0] else sql.SQL("NULL::bigint")
    picked = [column("e0", entity.key), column("e0", entity.name), owner]
    picked += [column(f"e{number}", step.entity.name) for number, step in enumerate(steps, start=1)]
    joins = [
        sql.SQL("LEFT JOIN {} {} ON {} = {}").format(
            sql.Identifier(step.entity.table), sql.Identifier(f"e{number}"), column(f"e{number}", step.key), column(f"e{number - 1}", step.column)
        )
        for number, step in enumerate(steps, start=1)
    ]
    return sql.SQL("SELECT {} FROM {} e0 {} ORDER BY {} DESC LIMIT {}").format(
        sql.SQL(", ").join(picked), sql.Identifier(entity.table), sql.SQL(" ").join(joins), column("e0", entity.key), sql.Literal(MOST_NAMES)
    )


def _secured(cursor: CursorWrapper, table: str) -> bool | None:
    """Whether rows of it may be hidden from somebody; a view's always may. None where there is no such table."""
    cursor.execute("SELECT relrowsecurity OR relkind NOT IN ('r', 'p') FROM pg_class WHERE oid = to_regclass(%s)", [table])
    row = cursor.fetchone()
    return None if row is None else bool(row[0])


def _steps(cursor: CursorWrapper, entity: Entity, model: SemanticModel) -> list[_Step] | None:
    """The shortest way up to an entity with a scope; None where there is none."""
    by_table = {other.table: other for other in model.entities().values()}
    ways: list[tuple[Entity, list[_Step]]] = [(entity, [])]
    for _ in range(MOST_STEPS):
        further = []
        for at, way in ways:
            for column, table, key in _points_to(cursor, at):
                if table in by_table:
                    further.append((by_table[table], [*way, _Step(column, key, by_table[table])]))
        ways = further
        if found := [way for at, way in ways if at.scope]:
            return found[0]
    return None


def _points_to(cursor: CursorWrapper, entity: Entity) -> list[tuple[str, str, str]]:
    cursor.execute(
        "SELECT own.attname, target.relname, theirs.attname FROM pg_constraint c"
        " JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attnum = c.conkey[1]"
        " JOIN pg_class target ON target.oid = c.confrelid"
        " JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[1]"
        " WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND c.conrelid = to_regclass(%s) AND own.attname = ANY(%s) ORDER BY own.attname",
        [entity.table, list(entity.needs)],
    )
    return [(str(own), str(table), str(key)) for own, table, key in cursor.fetchall()]
