"""The orchard of ``orchard.yaml``: its model, its tables, and visits that can be counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from datasketches import hll_sketch, tgt_hll_type
from django.db import connection, connections

from insights.semantic.grants import grant
from insights.semantic.loading import load
from insights.semantic.query import Period

MODEL = load(Path(__file__).parent / "orchard.yaml")
FIRST = date(2026, 11, 2)
# day after the first, site, kind, crate, visits, kilos, people by number
VISITS: tuple[tuple[int, str, str | None, int | None, int, int, range], ...] = (
    (0, "hill", "apple", 1, 10, 40, range(0, 8)),
    (0, "hill", None, None, 4, 3, range(6, 10)),
    (0, "lake", "pear", 2, 6, 9, range(0, 2)),
    (2, "hill", "apple", 1, 5, 20, range(4, 12)),
    (2, "lake", None, 2, 2, 0, range(20, 22)),
    (7, "hill", "pear", 3, 8, 16, range(0, 4)),
    (8, "lake", "apple", 3, 1, 5, range(30, 36)),
)


def day(number: int) -> datetime:
    return datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=number)


def days(first: int, last: int, label: str = "some days") -> Period:
    """Half-open, counted from the first day."""
    return Period(start=day(first), end=day(last), label=label)


def sketch(people: range) -> bytes:
    made = hll_sketch(12, tgt_hll_type.HLL_4)
    for person in people:
        made.update(f"person {person}")
    return bytes(made.serialize_compact())


@contextmanager
def opened() -> Iterator[None]:
    """Commits tables and rows on entry and drops them on exit."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orchard_crate (id int PRIMARY KEY, marked text, colour text)")
        cursor.execute("CREATE TABLE orchard_visit (day date, site text, kind text, crate_id int, visits int, kilos int, ripe int, people bytea)")
        cursor.execute("CREATE TABLE orchard_stock (crate_id int, site text, kilos int, price_micros bigint, one int)")
        cursor.execute("INSERT INTO orchard_crate VALUES (1, 'A', 'red'), (2, 'B', 'green'), (3, 'A', 'green')")
        cursor.execute("INSERT INTO orchard_stock VALUES (1, 'hill', 12, 3500000, 1), (2, 'lake', 7, NULL, 1), (3, 'lake', NULL, 1000000, 1)")
        cursor.executemany(
            "INSERT INTO orchard_visit VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (FIRST + timedelta(days=number), site, kind, crate, visits, kilos, visits * 2, sketch(people))
                for number, site, kind, crate, visits, kilos, people in VISITS
            ],
        )
    grant(MODEL)
    try:
        yield
    finally:
        connections["insights"].close()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE orchard_visit, orchard_stock, orchard_crate")
