"""Named streams of figures: one snapshot a second each, for everybody who watches it.

A stream is a kind and what it is narrowed to, written ``kind`` or ``kind?campaign=3&device=tv``. Each different filter is a stream of its
own. What is built for one viewer of a stream serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

LONGEST = 300
LONGEST_VALUE = 100
# What the publisher says of each snapshot, beside what its kind builds.
META = frozenset({"stream", "version", "content", "built_at", "every", "log"})

Parse = Callable[[str], str]
Audience = Literal["business", "content", "own"]


class BadStream(ValueError):
    """A stream that is not there, or is narrowed to what cannot be read; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Stream:
    """``kind`` with its parameters in their canonical form and order."""

    kind: str
    params: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}?{urlencode(self.params)}" if self.params else self.kind

    def get(self, name: str) -> str | None:
        return dict(self.params).get(name)

    def number(self, name: str) -> int | None:
        value = self.get(name)
        return None if value is None else int(value)

    def having(self, **params: str) -> Stream:
        return replace(self, params=tuple(sorted((dict(self.params) | params).items())))


Build = Callable[[Stream, datetime], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``build(stream, now)`` reads everything the page shows, JSON-ready, inside one repeatable-read transaction; it is called at most once
    in ``every`` seconds (or what that says of the stream) for each stream, however many watch. Streams are built in several threads. None of
    its names may be among META. ``takes`` names the parameters, each with what reads it and raises ValueError in words. ``audience``: own
    means that somebody of an advertiser may watch it, narrowed to that advertiser. ``needs`` are parameters that must be given.
    """

    name: str
    build: Build
    every: float | Callable[[Stream], float] = 1.0
    takes: Mapping[str, Parse] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    audience: Audience = "business"

    def seconds(self, stream: Stream) -> float:
        """Between two snapshots of this stream."""
        return self.every(stream) if callable(self.every) else self.every


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    if kind.audience == "own" and "advertiser" not in kind.takes:
        raise ValueError(f"{kind.name} is for advertisers too, so it must take advertiser")
    _kinds[kind.name] = kind


def kind_of(stream: Stream) -> Kind:
    """Raises BadStream."""
    try:
        return _kinds[stream.kind]
    except KeyError:
        raise BadStream(f"there is no stream {stream.kind[:LONGEST_VALUE]!r}; there are {', '.join(sorted(_kinds))}") from None


def parse(text: str) -> Stream:
    """Raises BadStream in a sentence that says what there is."""
    if len(text) > LONGEST:
        raise BadStream(f"the name of a stream has at most {LONGEST} characters")
    name, _, query = text.partition("?")
    kind = kind_of(Stream(name))
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=8)
    except ValueError:
        raise BadStream(f"{query[:LONGEST_VALUE]!r} cannot be read; write it as name=value&name=value") from None
    params: dict[str, str] = {}
    for key, value in pairs:
        if key not in kind.takes:
            there = ", ".join(sorted(kind.takes)) or "nothing"
            raise BadStream(f"{name} cannot be narrowed by {key[:LONGEST_VALUE]!r}; it takes {there}")
        if key in params:
            raise BadStream(f"{key} is given twice")
        if not value.isprintable() or len(value) > LONGEST_VALUE:
            raise BadStream(f"{key} is at most {LONGEST_VALUE} characters that can be read")
        try:
            params[key] = kind.takes[key](value)
        except ValueError as error:
            raise BadStream(f"{key}: {error}") from None
    if missing := [key for key in kind.needs if key not in params]:
        raise BadStream(f"{name} needs {', '.join(missing)}")
    return Stream(name, tuple(sorted(params.items())))


def number(value: str) -> str:
    """A row's id."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 2**63):
        raise ValueError(f"{value!r} is not a number above 0")
    return str(int(value))


def one_of(*there: str) -> Parse:
    def parse_one(value: str) -> str:
        if value not in there:
            raise ValueError(f"{value!r} is none of {', '.join(there)}")
        return value

    return parse_one
