"""Where a click leads. Only the ads room knows; it registers a resolver that answers from memory or Redis, never from the database."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

Resolver = Callable[[int], str | None]
_resolvers: list[Resolver] = []


def register_resolver(resolver: Resolver) -> None:
    """``resolver(ad_id)`` gives the ad's own click-through URL, or None when it has none."""
    _resolvers[:] = [resolver]


def click_through(ad: int) -> str | None:
    """The URL to send the viewer to. It comes from the ad a signed token names, never from the request: no open redirect."""
    for resolver in _resolvers:
        url = resolver(ad)
        if url and urlsplit(url).scheme in ("http", "https"):
            return url
    return None
