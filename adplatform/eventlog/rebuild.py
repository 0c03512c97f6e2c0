"""Counting a closed day of a rollup anew, from the rows it is made of.

The room whose rollup it is declares how: selects of facts, each with its moment, the rollup's keys and some of its measures. One
statement, which sees one moment, counts them and takes off what the tables hold; what is left is the difference, and it is *added*.
Events and what they add to the figures are committed together, so the difference holds whatever is folded meanwhile: nobody waits for
a rebuild, a late event is counted once, and rebuilding a day that is right changes nothing. Two rebuilds of one day do wait for each
other, or both would add the same difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any, LiteralString

import psycopg
import structlog
from django.db import OperationalError, connection, transaction
from psycopg import sql

from adplatform.models import ArchivedDay, RollupDay

from .columns import names_of
from .days import archived_batches, find_days
from .rollup import Rollup
from .rollup_retention import kept_since
from .tables import copy_line

log = structlog.get_logger(__name__)

# An event's id and its time lie within a day of its receipt, so its partition is at most two days from the day it happened on.
REACH = timedelta(days=2)
# A pause of the schedule is made good as far back as this.
LOOK_BACK_DAYS = 7
ATTEMPTS = 3
# Of one rebuild at a time: enough to count millions of events by their breaks without going to disk.
WORK_MEMORY = "128MB"
_DIFFERENCE = sql.Identifier("rollup_difference")


class RebuildRefused(ValueError):
    """Nothing was changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """``select`` gives ``moment``, every key of the rollup and ``measures``, of all facts of [%(since)s, %(until)s). Tables partitioned by
    day stand in it as ``{table}``, and their rows lie in the days from %(first)s to %(last)s."""

    select: LiteralString
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recount:
    """How a day of ``rollup`` is counted from ``tables``, partitioned by day, and others."""

    rollup: Rollup
    tables: tuple[str, ...]
    facts: tuple[Facts, ...]

    @property
    def room(self) -> str:
        return self.rollup.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a grain's rows told wrongly: by measure (too few, too many), both as positive sums over the rows that differ."""

    grain: str
    rows: int
    measures: Mapping[str, tuple[int, int]]

    @property
    def words(self) -> str:
        told = [
            f"{name} {' and '.join(part for part in (f'{few:,} too few' if few else '', f'{many:,} too many' if many else '') if part)}"
            for name, (few, many) in self.measures.items()
        ]
        return f"by {self.grain} {self.rows:,} {'row differs' if self.rows == 1 else 'rows differ'} ({', '.join(told)})"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One day of one rollup counted anew. ``changed``: the differences were set right, not only found."""

    name: str
    day: date
    facts: int
    seconds: float
    differences: tuple[Difference, ...]
    changed: bool
    archived: tuple[str, ...] = field(default=())

    @property
    def differed(self) -> int:
        return sum(difference.rows for difference in self.differences)

    @property
    def words(self) -> str:
        """What differed; empty for nothing."""
        return "; ".join(difference.words for difference in self.differences)

    @property
    def line(self) -> str:
        verdict = f"{self.words}; {'set right' if self.changed else 'left as it is'}" if self.differences else "as it should be"
        source = f", in part from the archive ({', '.join(self.archived)})" if self.archived else ""
        return f"{self.name} of {self.day}: {self.facts:,} facts counted in {self.seconds:.1f} s{source}: {verdict}"


_recounts: dict[str, Recount] = {}


def register(recount: Recount) -> None:
    _recounts[recount.rollup.name] = recount


def registered() -> tuple[Recount, ...]:
    return tuple(_recounts.values())


def check(recount: Recount, day: date, *, now: datetime) -> Rebuilt:
    """What a rebuild of ``day`` would set right; changes nothing. Raises RebuildRefused, MissingDay."""
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as wrapper:
        facts, differences, archived = _compare(wrapper.cursor, recount, day, now)
    return Rebuilt(recount.rollup.name, day, facts, time.perf_counter() - started, differences, changed=False, archived=archived)


def rebuild(recount: Recount, day: date, *, now: datetime) -> Rebuilt:
    """Set every row of ``day`` right, in one transaction. Safe to stop, to run twice, in two processes, and while events are stored.

    Raises RebuildRefused, and MissingDay when its rows can be read nowhere.
    """
    name = recount.rollup.name
    if day >= now.astimezone(UTC).date():
        raise RebuildRefused(f"{name} of {day} is not over yet: days end at midnight UTC, so count it anew from {day + timedelta(days=1)} on")
    # Committed by itself, so that a rebuild that was killed is seen and done again. What comes late from here on is late once more.
    RollupDay.objects.update_or_create(name=name, day=day, defaults={"state": RollupDay.State.STARTED, "started_at": now, "late": False})
    done = _attempt(recount, day, now)
    if done.differences:
        log.warning("rollup_differed", rollup=name, day=str(day), rows=done.differed, words=done.words)
    return done


def due(*, now: datetime) -> list[tuple[Recount, date]]:
    """What a night has to do: closed days of late that were never counted anew, were left half done, or got more since."""
    today = now.astimezone(UTC).date()
    known = {(row.name, row.day): row for row in RollupDay.objects.filter(name__in=list(_recounts))}
    recent = [today - timedelta(days=back) for back in range(LOOK_BACK_DAYS, 0, -1)]
    again = {day for (_, day), row in known.items() if row.late or row.state != RollupDay.State.DONE}
    wanted = []
    for day in sorted({*recent, *again}):
        for recount in registered():
            row = known.get((recount.rollup.name, day))
            if day < today and ((row is None and day in recent) or (row is not None and (row.late or row.state != RollupDay.State.DONE))):
                wanted.append((recount, day))
    return wanted


def _attempt(recount: Recount, day: date, now: datetime) -> Rebuilt:
    for attempt in range(1, ATTEMPTS + 1):
        started = time.perf_counter()
        try:
            with transaction.atomic(), connection.cursor() as wrapper:
                cursor = wrapper.cursor
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rebuild {recount.rollup.name} {day}"])
                facts, differences, archived = _compare(cursor, recount, day, now)
                if differences:
                    _apply(cursor, recount.rollup)
                _leave_out_empty(cursor, recount.rollup, day, now)
                done = Rebuilt(recount.rollup.name, day, facts, time.perf_counter() - started, differences, changed=True, archived=archived)
                _finish(done)
                return done
        except OperationalError as error:
            # A deadlock against a consumer that locked the same rows: the loser goes again.
            if attempt == ATTEMPTS or not (getattr(error.__cause__, "sqlstate", None) or "").startswith("40"):
                raise
    raise AssertionError("unreachable")


def _finish(done: Rebuilt) -> None:
    RollupDay.objects.filter(name=done.name, day=done.day).update(
        state=RollupDay.State.DONE,
        finished_at=datetime.now(UTC),
        seconds=done.seconds,
        facts=done.facts,
        differed=done.differed,
        found={one.grain: {"rows": one.rows, "measures": one.measures} for one in done.differences},
        words=done.words,
    )


def _compare(cursor: Any, recount: Recount, day: date, now: datetime) -> tuple[int, tuple[Difference, ...], tuple[str, ...]]:
    """Fill the table of differences of ``day``: (facts counted, differences, archived days that were read)."""
    since = datetime.combine(day, clock(), UTC)
    first, last = day - REACH, day + REACH
    cursor.execute(sql.SQL("SET LOCAL work_mem = {}").format(sql.Literal(WORK_MEMORY)))
    where, archived = _sources(cursor, recount, first, last)
    rollup = recount.rollup
    columns = _names(rollup)
    cursor.execute(
        sql.SQL(
            "DROP TABLE IF EXISTS pg_temp.{0}; CREATE TEMPORARY TABLE {0} ON COMMIT DROP AS"
            " SELECT ''::text AS grain, {1}, 0::bigint AS facts FROM {2} WITH NO DATA"
        ).format(_DIFFERENCE, columns, sql.Identifier(rollup.tables()[rollup.grains[0]]))
    )
    cursor.execute(
        _statement(recount, where, day, now),
        {"since": since, "until": since + timedelta(days=1), "first": first, "last": last},
    )
    facts, differences = _read(cursor, rollup)
    if differences and not facts:
        _must_be_there(recount, day)
    return facts, differences, archived


def _must_be_there(recount: Recount, day: date) -> None:
    missing = [table for table in recount.tables if not find_days(table, [day])[0].there]
    if missing:
        raise RebuildRefused(
            f"{recount.rollup.name} of {day} stays as it is: of {' and '.join(missing)} that day is neither in the database nor in the archive,"
            " so there is nothing to count it from. Bring the day back from a backup first"
        )


def _sources(cursor: Any, recount: Recount, first: date, last: date) -> tuple[dict[str, sql.Composable], tuple[str, ...]]:
    """What each partitioned table is read from, dropped days from their archive, and which those are.

    Held against dropping until the transaction ends: a day that left between looking and counting would count as empty.
    """
    where: dict[str, sql.Composable] = {}
    loaded = []
    for table in recount.tables:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(table)))
        wanted = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        gone = [found.archived for found in find_days(table, wanted) if found.archived is not None]
        where[table] = _with_archive(cursor, table, gone) if gone else sql.Identifier(table)
        loaded += [str(archived) for archived in gone]
    return where, tuple(loaded)


def _with_archive(cursor: Any, table: str, gone: Sequence[ArchivedDay]) -> sql.Composable:
    """Rows that lie in both places are taken as they are live."""
    held, names = sql.Identifier(f"archived_{table}"), names_of(table)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    cursor.execute(
        sql.SQL("DROP TABLE IF EXISTS pg_temp.{0}; CREATE TEMPORARY TABLE {0} ON COMMIT DROP AS SELECT {1} FROM {2} WITH NO DATA").format(
            held, columns, sql.Identifier(table)
        )
    )
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(held, columns)) as copy:
        for archived in gone:
            for batch in archived_batches(archived, names, {}):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                copy.write("".join(map(copy_line, rows)).encode())
    cursor.execute(sql.SQL("ANALYZE {}").format(held))
    return sql.SQL(
        "(SELECT {0} FROM {1} UNION ALL SELECT {0} FROM {2} a WHERE NOT EXISTS (SELECT FROM {1} l WHERE l.id = a.id AND l.day = a.day))"
    ).format(columns, sql.Identifier(table), held)


# SQL


def _names(rollup: Rollup) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, ("bucket", *rollup.keys, *rollup.measures)))


def _sums(rollup: Rollup, *, sign: LiteralString = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("sum({}{})::bigint AS {}").format(sql.SQL(sign), sql.Identifier(m), sql.Identifier(m)) for m in rollup.measures)


def _statement(recount: Recount, where: Mapping[str, sql.Composable], day: date, now: datetime) -> sql.Composed:
    rollup = recount.rollup
    keys = sql.SQL(", ").join(map(sql.Identifier, rollup.keys))
    counted = sql.SQL("SELECT 'counted', {}, coalesce(sum(facts), 0)::bigint FROM counted").format(
        sql.SQL(", ").join([sql.SQL("NULL")] * (1 + len(rollup.keys) + len(rollup.measures)))
    )
    return sql.SQL(
        "WITH counted AS MATERIALIZED (SELECT date_trunc({grain}, moment, 'UTC') AS bucket, {keys}, {sums}, count(*) AS facts"
        " FROM ({facts}) f GROUP BY 1, {keys}) INSERT INTO {into} {parts}"
    ).format(
        grain=sql.Literal(rollup.grains[0]),
        keys=keys,
        sums=_sums(rollup),
        facts=sql.SQL(" UNION ALL ").join(_facts(rollup, facts, where) for facts in recount.facts),
        into=_DIFFERENCE,
        parts=sql.SQL(" UNION ALL ").join([*(_against(rollup, grain, kept) for grain, kept in _kept(rollup, day, now)), counted]),
    )


def _facts(rollup: Rollup, facts: Facts, where: Mapping[str, sql.Composable]) -> sql.Composed:
    given = sql.SQL(", ").join(
        sql.Identifier(name) if name in facts.measures else sql.SQL("0::bigint AS {}").format(sql.Identifier(name)) for name in rollup.measures
    )
    keys = sql.SQL(", ").join(map(sql.Identifier, rollup.keys))
    return sql.SQL("SELECT moment, {}, {} FROM ({}) part").format(keys, given, sql.SQL(facts.select).format(**where))


def _kept(rollup: Rollup, day: date, now: datetime) -> Iterator[tuple[str, datetime]]:
    """The grains that still have rows of ``day``, and since when: what was let go of is not counted anew."""
    start = datetime.combine(day, clock(), UTC)
    for grain in rollup.grains:
        since = kept_since(grain, now)
        if since < start + timedelta(days=1):
            yield grain, max(start, since)


def _against(rollup: Rollup, grain: str, since: datetime) -> sql.Composed:
    """What was counted less what the table holds, where that is not nothing."""
    bucket = sql.SQL("date_trunc({}, bucket, 'UTC')").format(sql.Literal(grain))
    keys = sql.SQL(", ").join(map(sql.Identifier, rollup.keys))
    return sql.SQL(
        "SELECT {grain}, bucket, {keys}, {sums}, 0::bigint FROM ("
        "SELECT {bucket} AS bucket, {keys}, {measures} FROM counted WHERE bucket >= {since} UNION ALL"
        " SELECT bucket, {keys}, {minus} FROM {table} WHERE bucket >= greatest({since}, %(since)s) AND bucket < %(until)s"
        ") d GROUP BY bucket, {keys} HAVING {any}"
    ).format(
        grain=sql.Literal(grain),
        keys=keys,
        sums=_sums(rollup),
        bucket=bucket,
        measures=sql.SQL(", ").join(map(sql.Identifier, rollup.measures)),
        since=sql.Literal(since),
        minus=sql.SQL(", ").join(sql.SQL("-{}").format(sql.Identifier(name)) for name in rollup.measures),
        table=sql.Identifier(rollup.tables()[grain]),
        any=sql.SQL(" OR ").join(sql.SQL("sum({}) <> 0").format(sql.Identifier(name)) for name in rollup.measures),
    )


def _read(cursor: Any, rollup: Rollup) -> tuple[int, tuple[Difference, ...]]:
    sides = sql.SQL(", ").join(
        sql.SQL("sum(greatest({0}, 0))::bigint, sum(-least({0}, 0))::bigint").format(sql.Identifier(name)) for name in rollup.measures
    )
    cursor.execute(sql.SQL("SELECT grain, count(*), sum(facts)::bigint, {} FROM {} GROUP BY grain").format(sides, _DIFFERENCE))
    facts, found = 0, {}
    for grain, rows, counted, *figures in cursor.fetchall():
        if grain == "counted":
            facts = counted
            continue
        pairs = zip(rollup.measures, zip(figures[::2], figures[1::2], strict=True), strict=True)
        found[grain] = Difference(grain, rows, {name: pair for name, pair in pairs if any(pair)})
    return facts, tuple(found[grain] for grain in rollup.grains if grain in found)


def _apply(cursor: Any, rollup: Rollup) -> None:
    """Grain by grain and in the order of their keys, as the consumer locks them too."""
    order = _order(cursor, rollup)
    for grain, table in rollup.tables().items():
        cursor.execute(
            sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {2} WHERE grain = {3} ORDER BY {4} ON CONFLICT ({5}) DO UPDATE SET {6}").format(
                sql.Identifier(table),
                _names(rollup),
                _DIFFERENCE,
                sql.Literal(grain),
                order,
                sql.SQL(", ").join(map(sql.Identifier, ("bucket", *rollup.keys))),
                sql.SQL(", ").join(sql.SQL("{0} = {1}.{0} + EXCLUDED.{0}").format(sql.Identifier(m), sql.Identifier(table)) for m in rollup.measures),
            )
        )


def _order(cursor: Any, rollup: Rollup) -> sql.Composed:
    """Keys of text by their code points, as Python sorts them, whatever the database's language is."""
    keys = ("bucket", *rollup.keys)
    cursor.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.SQL(", ").join(map(sql.Identifier, keys)), _DIFFERENCE))
    text = {psycopg.adapters.types["text"].oid, psycopg.adapters.types["varchar"].oid}
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"').format(sql.Identifier(key)) if column.type_code in text else sql.Identifier(key)
        for key, column in zip(keys, cursor.description, strict=True)
    )


def _leave_out_empty(cursor: Any, rollup: Rollup, day: date, now: datetime) -> None:
    """Rows of which nothing is left. One that somebody is adding to at this moment stays."""
    start = datetime.combine(day, clock(), UTC)
    nothing = sql.SQL(" AND ").join(sql.SQL("{} = 0").format(sql.Identifier(name)) for name in rollup.measures)
    for grain, since in _kept(rollup, day, now):
        cursor.execute(
            sql.SQL("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE bucket >= %s AND bucket < %s AND {1} FOR UPDATE SKIP LOCKED)").format(
                sql.Identifier(rollup.tables()[grain]), nothing
            ),
            [since, start + timedelta(days=1)],
        )
