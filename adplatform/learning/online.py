"""Online features: counters of what followed each impression, kept in Redis, read in the round trip a decision makes anyway.

What every decision needs (ads, campaigns, titles, ...) stands in one table of fixed rows, a key and its counters, in one
string: a reader names the state of the table it holds, and is sent the table only when it has changed. What one decision
needs of very many (viewers) stands in one hash a scope, one field a key and counter (``<viewer>:impressions``).

The consumer adds from newly inserted rows only, after its transaction has committed; a crash in between loses increments,
which `Store.replace` makes good from the tables. Values are logged as served, so training never needs the counters of the past.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from .hashing import mix, mix_one, of_text

COUNTERS = ("impressions", "clicks", "completes", "skips", "errors")
TABLE, INDEX, STATE, PREFIX = "rates:table", "rates:index", "rates:state", "rates:of:"
COLUMNS = 1 + len(COUNTERS)
WRITE_CHUNK = 5_000

Key = int | str
Counts = NDArray[np.float64]
Ints = NDArray[np.int64]

# KEYS: the table, its state. ARGV: the state the reader holds. Nothing when it holds the present one;
# before anything was counted that is the empty one.
_READ = """
local state = redis.call('GET', KEYS[2]) or ''
if state == ARGV[1] then return false end
return {state, redis.call('GET', KEYS[1]) or ''}
"""
# KEYS: the table, where each key stands in it, its state. ARGV: rows to add, as they stand in the table; the new state; how many counters a row has.
_ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
local size = 8 + 8 * tonumber(ARGV[3])
for at = 1, #ARGV[1], size do
  local key = string.sub(ARGV[1], at, at + 7)
  local offset = redis.call('HGET', KEYS[2], key)
  if not offset then
    offset = redis.call('STRLEN', KEYS[1])
    redis.call('APPEND', KEYS[1], key .. string.rep('\\0', size - 8))
    redis.call('HSET', KEYS[2], key, offset)
  end
  local old = redis.call('GETRANGE', KEYS[1], offset + 8, offset + size - 1)
  local new = {}
  for place = 1, size - 8, 8 do
    local sum = struct.unpack('<i8', old, place) + struct.unpack('<i8', ARGV[1], at + 7 + place)
    new[#new + 1] = struct.pack('<i8', math.max(0, sum))
  end
  redis.call('SETRANGE', KEYS[1], offset + 8, table.concat(new))
end
redis.call('SET', KEYS[3], ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class Increment:
    """``counter`` of one key in one scope, ``by`` more."""

    scope: str
    key: Key
    counter: str
    by: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The table as it was at one ``state``: sorted keys [n] and their counters [n + 1, counters], the last row all zero."""

    state: bytes
    keys: Ints
    counts: Counts

    @classmethod
    def of(cls, state: bytes, table: bytes) -> Snapshot:
        rows = np.frombuffer(table, dtype="<i8").reshape(-1, COLUMNS)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return cls(state, rows[:, 0].copy(), np.vstack([rows[:, 1:], np.zeros((1, len(COUNTERS)), dtype=np.int64)]).astype(np.float64))

    def of_keys(self, keys: Ints) -> Counts:
        """float64 [keys, counters] for `table_keys`; a key never counted is all zero."""
        if not len(self.keys):
            return np.zeros((len(keys), len(COUNTERS)))
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return self.counts[np.where(self.keys[places] == keys, places, len(self.keys))]


EMPTY = Snapshot.of(b"", b"")


def table_key(scope: str, key: Key) -> int:
    """A key of one scope as the table has it: 63 bits of a hash."""
    return (of_text(f"{scope}/{key}") if isinstance(key, str) else mix_one(of_text(scope) ^ key)) >> 1


def table_keys(scope: str, keys: Sequence[Key] | Ints) -> Ints:
    """The same for many; ids are given as an array."""
    if isinstance(keys, np.ndarray):
        return (mix(keys.astype(np.uint64) ^ np.uint64(of_text(scope))) >> np.uint64(1)).astype(np.int64)
    return np.array([table_key(scope, key) for key in keys], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one decision reads: the table, unless it is still as in ``held``, and one key of each scope that has a hash."""

    held: Snapshot
    keyed: Mapping[str, Key]

    def queue(self, pipeline: Any) -> None:
        """Add the reads to an open pipeline; `parse` takes their replies, of which there are 1 + scopes."""
        pipeline.eval(_READ, 2, TABLE, STATE, self.held.state)
        for scope, key in self.keyed.items():
            pipeline.hmget(PREFIX + scope, [f"{key}:{counter}" for counter in COUNTERS])

    def parse(self, replies: Sequence[Any]) -> tuple[Snapshot, dict[str, Counts]]:
        """The table, and for each scope with a hash float64 [1, counters]."""
        snapshot = self.held if replies[0] is None else Snapshot.of(*replies[0])
        pairs = zip(self.keyed, replies[1:], strict=True)
        return snapshot, {scope: np.array([[float(value or 0) for value in values]]) for scope, values in pairs}


@dataclass(frozen=True)
class Store:
    """Which scopes stand in the table and which have a hash of their own."""

    tabled: frozenset[str]
    hashed: frozenset[str]

    def record(self, client: redis.Redis, increments: Iterable[Increment]) -> None:
        """Add; call it once for each newly inserted row, when the transaction that inserted it has committed."""
        rows, fields = self._totals(increments)
        if not rows and not fields:
            return
        with client.pipeline(transaction=False) as pipeline:
            for (name, field), by in sorted(fields.items()):
                pipeline.hincrby(name, field, by)
            for chunk in _chunks(sorted(rows.items())):
                pipeline.eval(_ADD, 3, TABLE, INDEX, STATE, _packed(chunk), secrets.token_bytes(8), len(COUNTERS))
            pipeline.execute()

    def replace(self, client: redis.Redis, increments: Iterable[Increment]) -> None:
        """Set everything to these totals, so that a reader meets the old counts or the new, never none."""
        rows, fields = self._totals(increments)
        packed = _packed(ordered := sorted(rows.items()))
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set(TABLE, packed)
            pipeline.delete(INDEX)
            for chunk in _chunks([(key.to_bytes(8, "little"), place * COLUMNS * 8) for place, (key, _) in enumerate(ordered)]):
                pipeline.hset(INDEX, mapping=dict(chunk))
            pipeline.set(STATE, secrets.token_bytes(8))
            pipeline.execute()
        for scope in sorted(self.hashed):
            _replace_hash(client, PREFIX + scope, {field: by for (name, field), by in fields.items() if name == PREFIX + scope})

    def read(self, client: redis.Redis, keys: Mapping[str, Sequence[Key]]) -> dict[str, Counts]:
        """For each scope float64 [keys, counters], in round trips of its own: for who decides nothing."""
        found: dict[str, Counts] = {}
        for scope, wanted in keys.items():
            readings = [Wanted(EMPTY, {scope: key} if scope in self.hashed else {}) for key in (wanted if scope in self.hashed else ("",))]
            with client.pipeline(transaction=False) as pipeline:
                for reading in readings:
                    reading.queue(pipeline)
                replies = pipeline.execute()
            if scope in self.hashed:
                found[scope] = np.vstack([reading.parse(replies[2 * n : 2 * n + 2])[1][scope] for n, reading in enumerate(readings)])
            else:
                found[scope] = readings[0].parse(replies)[0].of_keys(table_keys(scope, wanted))
        return found

    def _totals(self, increments: Iterable[Increment]) -> tuple[dict[int, Counter[str]], Counter[tuple[str, str]]]:
        """Sums for the table, by key, and for the hashes, by name and field. Raises ValueError for what no one reads."""
        rows: dict[int, Counter[str]] = {}
        fields: Counter[tuple[str, str]] = Counter()
        for increment in increments:
            if increment.counter not in COUNTERS:
                raise ValueError(f"unknown counter {increment.counter!r}; there are {', '.join(COUNTERS)}")
            if increment.scope in self.tabled:
                rows.setdefault(table_key(increment.scope, increment.key), Counter())[increment.counter] += increment.by
            elif increment.scope in self.hashed:
                fields[PREFIX + increment.scope, f"{increment.key}:{increment.counter}"] += increment.by
            else:
                raise ValueError(f"unknown scope {increment.scope!r}; there are {', '.join(sorted(self.tabled | self.hashed))}")
        return rows, fields


def smoothed(successes: Counts, trials: Counts, prior: Counts | float, strength: float) -> Counts:
    """Posterior mean of a Beta prior worth ``strength`` trials: (successes + strength * prior) / (trials + strength)."""
    rate: Counts = (successes + strength * prior) / (trials + strength)
    return rate


def _packed(rows: Sequence[tuple[int, Counter[str]]]) -> bytes:
    return np.array([[key, *(counts[counter] for counter in COUNTERS)] for key, counts in rows], dtype="<i8").tobytes()


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + WRITE_CHUNK] for start in range(0, len(items), WRITE_CHUNK))


def _replace_hash(client: redis.Redis, name: str, fields: Mapping[str, int]) -> None:
    building = f"{name}:building"
    with client.pipeline(transaction=False) as pipeline:
        pipeline.delete(building)
        for chunk in _chunks(list(fields.items())):
            pipeline.hset(building, mapping=dict(chunk))
        if fields:
            pipeline.rename(building, name)
        else:
            pipeline.delete(name)
        pipeline.execute()
