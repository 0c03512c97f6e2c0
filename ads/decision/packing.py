"""Arrays as text, exactly: what is stored of a decision must decide it again bit for bit."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

import numpy as np

from .state import Floats, Ints

SINGLE, DOUBLE = b"f", b"d"


def single(values: Floats) -> Floats:
    """float64, each rounded to the nearest float32: seven digits are more than is known of a chance, and take half the space."""
    return values.astype(np.float32).astype(np.float64)


def packed(values: Floats) -> str:
    """Base64 of one letter and the values, little-endian: float32 where that holds them exactly (`single`), else
    float64; one value where all are the same. Values lie in the range of float32. What is packed travels with every decision."""
    short = values.astype("<f4")
    kept, letter = (short, SINGLE) if (short == values).all() else (np.ascontiguousarray(values, dtype="<f8"), DOUBLE)
    # Compared bit by bit: 0.0 and -0.0 are equal, and not the same.
    bits = kept.view(f"<i{kept.itemsize}")
    if len(bits) > 1 and (bits == bits[0]).all():
        kept = kept[:1]
    return b2a_base64(letter + kept.tobytes(), newline=False).decode()


def unpacked(text: str, count: int) -> Floats:
    """float64 [count]. Raises ValueError."""
    data = a2b_base64(text)
    # Without a letter it was packed by an earlier release, in float64.
    letter, data = (DOUBLE, data) if len(data) % 4 == 0 else (data[:1], data[1:])
    values = np.frombuffer(data, dtype="<f4" if letter == SINGLE else "<f8").astype(np.float64)
    if len(values) not in (1, count):
        raise ValueError(f"{len(values)} values were packed, {count} are asked for")
    return np.broadcast_to(values, count).copy()


def packed_rows(rows: Ints, among: int) -> str:
    """Which of ``among`` rows: one bit each, in base64."""
    mask = np.zeros(among, dtype=bool)
    mask[rows] = True
    return b2a_base64(np.packbits(mask).tobytes(), newline=False).decode()


def unpacked_rows(text: str, among: int) -> Ints:
    """The rows, ascending. Raises ValueError."""
    bits = np.unpackbits(np.frombuffer(a2b_base64(text), dtype=np.uint8), count=among)
    return np.flatnonzero(bits).astype(np.int64)
