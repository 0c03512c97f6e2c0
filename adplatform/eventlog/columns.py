"""The partitioned tables as Arrow columns: which type each field has in an archive, and a hash of rows that does not depend on where they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import models

from .partitions import partitioned_models

UUID = pa.uuid()
MOMENT = pa.timestamp("us", "UTC")

# By field: the Arrow type, the type its values have on the way, and the SQL that gives them. The first field that fits.
_TYPES: tuple[tuple[type[models.Field[Any, Any]], pa.DataType, pa.DataType, str], ...] = (
    (models.UUIDField, UUID, pa.binary(16), "uuid_send({})"),
    (models.DateTimeField, MOMENT, pa.int64(), "(extract(epoch FROM {}) * 1000000)::bigint"),
    (models.DateField, pa.date32(), pa.int32(), "({} - date '1970-01-01')"),
    (models.JSONField, pa.string(), pa.string(), "{}::text"),
    (models.CharField, pa.string(), pa.string(), "{}"),
    (models.FloatField, pa.float64(), pa.float64(), "{}"),
    (models.BooleanField, pa.bool_(), pa.bool_(), "{}"),
    (models.PositiveSmallIntegerField, pa.int16(), pa.int16(), "{}"),
    (models.BigIntegerField, pa.int64(), pa.int64(), "{}"),
    (models.IntegerField, pa.int32(), pa.int32(), "{}"),
)


class UnknownTable(ValueError):
    """No table of that name is partitioned by day; the message lists those that are."""


def tables() -> list[str]:
    return sorted(model._meta.db_table for model in partitioned_models())


def model_of(table: str) -> type[models.Model]:
    """Raises UnknownTable."""
    for model in partitioned_models():
        if model._meta.db_table == table:
            return model
    raise UnknownTable(f"{table!r} is not partitioned by day; these tables are: {', '.join(tables())}")


def schema_of(table: str, columns: Sequence[str] | None = None) -> pa.Schema:
    """Of these columns, of all without. Raises UnknownTable, and KeyError for a column the table has not."""
    return pa.schema([pa.field(name, _row_of(table, name)[1]) for name in columns or names_of(table)])


def names_of(table: str) -> list[str]:
    return [str(field.column) for field in model_of(table)._meta.concrete_fields]


def expressions(table: str, columns: Sequence[str]) -> list[str]:
    """SQL for each column, in values that `batch_of` takes."""
    return [_row_of(table, name)[3].format(f'"{name}"') for name in columns]


def batch_of(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Rows as `expressions` select them."""
    arrays = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        _, kind, carried, _ = _row_of(table, name)
        plain = pa.array(values, type=carried)
        arrays.append(pa.ExtensionArray.from_storage(kind, plain) if kind == UUID else plain.cast(kind))
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(table, columns))


def _row_of(table: str, column: str) -> tuple[type[models.Field[Any, Any]], pa.DataType, pa.DataType, str]:
    fields = {field.column: field for field in model_of(table)._meta.concrete_fields}
    if column not in fields:
        raise KeyError(f"{table} has no column {column!r}")
    return next(row for row in _TYPES if isinstance(fields[column], row[0]))


class ContentHash:
    """A hash of rows in their order, whatever batches they come in. Take `update` for every batch; all of the same columns."""

    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[tuple[str, str], list[Any]] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            # One running hash each for what is there, for lengths and for values, so that the ends of batches leave no trace.
            hashes = self._columns.setdefault((name, str(column.type)), [hashlib.sha256() for _ in range(3)])
            for running, part in zip(hashes, _parts(column), strict=True):
                running.update(part)

    def hexdigest(self) -> str:
        whole = hashlib.sha256(str(self.rows).encode())
        for (name, kind), hashes in sorted(self._columns.items()):
            whole.update(f"\x1f{name}\x1f{kind}\x1f{''.join(running.hexdigest() for running in hashes)}".encode())
        return whole.hexdigest()


def _parts(column: pa.Array) -> tuple[bytes | memoryview, ...]:
    """(which are there, lengths, values) as bytes; equal for equal columns, with anything missing as nothing at all."""
    there = column.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes()
    if column.type == UUID:
        column = column.storage.cast(pa.binary())
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        filled = column.fill_null(b"" if pa.types.is_binary(column.type) else "")
        lengths = pc.binary_length(filled).to_numpy(zero_copy_only=False).astype("<i8")
        return there, lengths.tobytes(), b"".join(filled.cast(pa.binary()).to_pylist())
    return there, b"", np.ascontiguousarray(_numbers(column)).tobytes()


def _numbers(column: pa.Array) -> Any:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    elif pa.types.is_date(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    return column.fill_null(0).to_numpy(zero_copy_only=False)


def hash_of(batches: Iterable[pa.RecordBatch]) -> ContentHash:
    """Of all of them, read one by one."""
    found = ContentHash()
    for batch in batches:
        found.update(batch)
    return found
