"""Delivery by any few of campaign, flight, ad, title, genre, device and time, from the rollups: rows, exact totals, and as much time before.

One pass over the rollup whatever is asked: rows are grouped once, and the totals, the number of rows and the names come out of the grouped
ones. Figures of ratios are computed from sums, of a row as of the totals, never averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import connection
from psycopg import sql

from .figures import DIMENSIONS, MEASURES, Measure
from .query import Query

# A name nobody gave: an ad of no known flight, a title that was taken away, a row of another advertiser's.
UNKNOWN = "(unknown)"
EXPORT_ROWS = 200_000
ROWS_AT_ONCE = 2_000

Figures = dict[str, int | float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """``keys`` as in the query's ``by``: ids, words, days; ``names`` the same for people. ``before`` is there where time is compared and
    no dimension is of time."""

    keys: tuple[int | str | date, ...]
    names: tuple[str, ...]
    figures: Figures
    before: Figures | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """``totals`` are of all rows, shown or not; ``found`` says how many there are. ``synthetic`` is none, some or all of it."""

    query: Query
    rows: tuple[Row, ...]
    totals: Figures
    found: int
    synthetic: str
    before: Figures | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What its reader must know beside the figures."""
        said = list(self.query.notes)
        if self.found > len(self.rows):
            said.append(f"The first {len(self.rows):,} of {self.found:,} rows; the totals are of all of them.")
        if self.synthetic == "all":
            said.append("All of this was delivered to the synthetic audience.")
        elif self.synthetic == "some":
            said.append("Some of this was delivered to the synthetic audience.")
        return tuple(said)


def delivery(query: Query) -> Delivery:
    """The report; one query, two where it is compared."""
    read = _Read(query)
    with connection.cursor() as cursor:
        cursor.execute(read.statement(limit=query.rows))
        found = cursor.fetchall()
        totals, count, synthetic = read.totals(found)
        before = _before(cursor, query, [read.key(row) for row in found]) if query.compare else None
    rows = tuple(_row(read, row, before[0] if before and not _of_time(query) else None) for row in found)
    return Delivery(query, rows, totals, count, synthetic, before[1] if before else None)


def every_row(query: Query) -> Iterator[Row]:
    """All rows up to `EXPORT_ROWS`, a few at a time: for files."""
    read = _Read(query)
    with connection.chunked_cursor() as cursor:
        cursor.execute(read.statement(limit=EXPORT_ROWS))
        while found := cursor.fetchmany(ROWS_AT_ONCE):
            for row in found:
                yield _row(read, row, None)


def _row(read: _Read, row: Sequence[Any], before: Mapping[tuple[Any, ...], Figures] | None) -> Row:
    key = read.key(row)
    earlier = None if before is None else before.get(key, read.nothing())
    return Row(key, read.names(row), read.figures(row), earlier)


def _before(cursor: Any, query: Query, keys: Sequence[tuple[Any, ...]]) -> tuple[dict[tuple[Any, ...], Figures], Figures]:
    """Figures of the same rows in as much time before, and its totals."""
    read = _Read(replace(query.before(), sort=""))
    if _of_time(query) or not query.by:
        cursor.execute(read.statement(limit=1))
        return {}, read.totals(cursor.fetchall())[0]
    cursor.execute(read.statement(limit=max(1, len(keys)), first=keys))
    found = cursor.fetchall()
    return {read.key(row): read.figures(row) for row in found}, read.totals(found)[0]


def _of_time(query: Query) -> bool:
    return any(DIMENSIONS[name].of_time for name in query.by)


class _Read:
    """The statement of one query, and how its rows are read: keys, names, figures, totals, count, origins."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.by = [DIMENSIONS[name] for name in query.by]
        self.measures = [MEASURES[name] for name in query.show]
        self.sums = list(dict.fromkeys(part for measure in [*self.measures, *self._sorted_by()] for part in measure.parts))

    def _sorted_by(self) -> list[Measure]:
        name = self.query.order[0]
        return [MEASURES[name]] if name in MEASURES else []

    def statement(self, *, limit: int, first: Sequence[tuple[Any, ...]] = ()) -> sql.Composed:
        """``first``: keys whose rows come before all others."""
        grouped = sql.SQL("SELECT {keys}, {sums}, bool_or(d.synthetic) AS some, bool_and(d.synthetic) AS every FROM {table} d WHERE {where}{group}")
        keys: list[sql.Composable] = [
            sql.SQL("{} AS {}").format(sql.SQL(one.column), sql.Identifier(f"k{place}")) for place, one in enumerate(self.by)
        ]
        sums = [sql.SQL("sum(d.{0})::bigint AS {0}").format(sql.Identifier(name)) for name in self.sums]
        rows = grouped.format(
            keys=sql.SQL(", ").join(keys or [sql.SQL("0 AS nothing")]),
            sums=sql.SQL(", ").join(sums),
            table=sql.Identifier("ads_deliveryhour" if self.query.hourly else "ads_deliveryday"),
            where=self._where(),
            group=sql.SQL(" GROUP BY {}").format(sql.SQL(", ").join(sql.SQL(str(place + 1)) for place in range(len(keys)))) if keys else sql.SQL(""),
        )
        named = [self._name(place) for place in range(len(self.by))]
        picked = [
            *(sql.Identifier("g", f"k{place}") for place in range(len(self.by))),
            *(name for name, _ in named),
            *(_figure(one) for one in self.measures),
        ]
        all_sums = [sql.SQL("sum(g.{}) OVER ()").format(sql.Identifier(name)) for name in self.sums]
        return sql.SQL(
            "WITH g AS MATERIALIZED ({rows}) SELECT {picked}, {totals}, count(*) OVER (), {origins} FROM g {joins} ORDER BY {order} LIMIT {n}"
        ).format(
            rows=rows,
            picked=sql.SQL(", ").join(picked),
            totals=sql.SQL(", ").join(all_sums),
            origins=sql.SQL("bool_or(g.some) OVER (), bool_and(g.every) OVER ()"),
            joins=sql.SQL(" ").join(join for _, join in named if join),
            order=sql.SQL(", ").join([*self._first(first), *self._order(named)]),
            n=sql.Literal(limit),
        )

    def _where(self) -> sql.Composed:
        query = self.query
        parts: list[sql.Composable] = [sql.SQL("d.bucket >= {} AND d.bucket < {}").format(sql.Literal(query.since), sql.Literal(query.until))]
        if query.advertiser is not None:
            # Rows of flights that nobody knows stand under 0, and belong to nobody.
            parts.append(sql.SQL("d.advertiser_id = {} AND d.advertiser_id > 0").format(sql.Literal(query.advertiser)))
        if query.audience != "all":
            parts.append(sql.SQL("d.synthetic") if query.audience == "synthetic" else sql.SQL("NOT d.synthetic"))
        for name, values in query.filters.items():
            parts.append(sql.SQL("{} = ANY({})").format(sql.SQL(DIMENSIONS[name].column), sql.Literal(list(values))))
        return sql.SQL(" AND ").join(parts)

    def _name(self, place: int) -> tuple[sql.Composable, sql.Composable | None]:
        """The expression that names a key, and the join it takes."""
        one, key = self.by[place], sql.Identifier("g", f"k{place}")
        if one.names is None:
            return sql.SQL("{}::text").format(key), None
        relation, known_by = one.names
        # What left the advertiser since is named to its owner of now alone.
        narrowed = self.query.advertiser is not None and one.own
        of = sql.SQL(one.own.replace("%s", "{}")).format(sql.Literal(self.query.advertiser)) if narrowed else sql.Identifier(relation)
        alias = sql.Identifier(f"n{place}")
        return sql.SQL("{}.name").format(alias), sql.SQL("LEFT JOIN {} {} ON {}.{} = {}").format(of, alias, alias, sql.Identifier(known_by), key)

    def _first(self, keys: Sequence[tuple[Any, ...]]) -> list[sql.Composable]:
        if not keys:
            return []
        own = sql.SQL(", ").join(sql.Identifier("g", f"k{place}") for place in range(len(self.by)))
        wanted = sql.SQL(", ").join(sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(part) for part in key)) for key in keys)
        return [sql.SQL("(({}) IN ({})) DESC").format(own, wanted)]

    def _order(self, named: Sequence[tuple[sql.Composable, Any]]) -> list[sql.Composable]:
        name, descending = self.query.order
        # The same report twice has its rows in the same order.
        last: list[sql.Composable] = [sql.Identifier("g", f"k{place}") for place in range(len(self.by))]
        if name in MEASURES:
            wanted: sql.Composable = _figure(MEASURES[name])
        elif name in self.query.by:
            place = self.query.by.index(name)
            wanted = last[place] if self.by[place].names is None else named[place][0]
        else:
            return last or [sql.SQL("1")]
        return [sql.SQL("{} DESC NULLS LAST" if descending else "{} ASC NULLS LAST").format(wanted), *last]

    # What a fetched row holds

    def key(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row[: len(self.by)])

    def names(self, row: Sequence[Any]) -> tuple[str, ...]:
        width = len(self.by)
        return tuple(_called(one.name, key, name) for one, key, name in zip(self.by, row[:width], row[width : 2 * width], strict=True))

    def figures(self, row: Sequence[Any]) -> Figures:
        at = 2 * len(self.by)
        return dict(zip(self.query.show, row[at : at + len(self.measures)], strict=True))

    def totals(self, rows: Sequence[Any]) -> tuple[Figures, int, str]:
        """Of all rows there are, how many those are, and whether they are of the synthetic audience."""
        at = 2 * len(self.by) + len(self.measures)
        told: Sequence[Any] = rows[0][at:] if rows else [*(0 for _ in self.sums), 0, None, None]
        *sums, count, some, every = told
        if some is None:
            return self.nothing(), 0, "none"
        totals = dict(zip(self.sums, map(int, sums), strict=True))
        return {one.name: one.compute(totals) for one in self.measures}, int(count), "all" if every else "some" if some else "none"

    def nothing(self) -> Figures:
        return {one.name: 0 if one.added else None for one in self.measures}


def _figure(measure: Measure) -> sql.Composed:
    """A measure of one grouped row, as `Measure.compute` has it."""
    value = sql.SQL(" + ").join(sql.Identifier("g", name) for name in measure.plus)
    if measure.minus:
        value = sql.SQL("{} - {}").format(value, sql.Identifier("g", measure.minus))
    if not measure.over:
        return sql.SQL("({})").format(value)
    return sql.SQL("({} * ({})::float8 / nullif({}, 0))").format(sql.Literal(measure.times), value, sql.Identifier("g", measure.over))


def _called(dimension: str, key: Any, name: Any) -> str:
    if dimension == "hour":
        return f"{key:02d}:00"
    if dimension == "month":
        return f"{key:%Y-%m}"
    return str(name) if name not in (None, "") else UNKNOWN
