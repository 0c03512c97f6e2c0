"""Several named pieces of bytes in one artifact: a JSON head that names and measures them, then the pieces. Nothing is executed."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

MAGIC = b"IMBUNDL1"
_LENGTH = struct.Struct("<Q")


class BundleDamaged(ValueError):
    """The bytes are no bundle; the message says what is wrong."""


def pack(head: Mapping[str, Any], pieces: Mapping[str, bytes]) -> bytes:
    """The same head and pieces give the same bytes."""
    sizes = [[name, len(piece)] for name, piece in pieces.items()]
    encoded = json.dumps({"head": dict(head), "pieces": sizes}, sort_keys=True).encode()
    return b"".join([MAGIC, _LENGTH.pack(len(encoded)), encoded, *pieces.values()])


def unpack(artifact: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(head, pieces). Raises BundleDamaged."""
    start = len(MAGIC) + _LENGTH.size
    if artifact[: len(MAGIC)] != MAGIC or len(artifact) < start:
        raise BundleDamaged("it does not begin as a bundle does")
    (length,) = _LENGTH.unpack(artifact[len(MAGIC) : start])
    try:
        described: dict[str, Any] = json.loads(artifact[start : start + length])
        head, sizes = described["head"], [(str(name), int(size)) for name, size in described["pieces"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(f"its head cannot be read: {error}") from error
    pieces, place = {}, start + length
    for name, size in sizes:
        pieces[name] = artifact[place : place + size]
        place += size
    if place != len(artifact):
        raise BundleDamaged(f"it has {len(artifact)} bytes, its head says {place}")
    return head, pieces
