"""What the signals of a request allow: viewer attributes for ads, or the context alone. Anything but a clear yes is a no."""

from __future__ import annotations

from django.http import HttpRequest

YES = frozenset({"1", "true", "yes"})


def consented(request: HttpRequest) -> bool:
    """Whether somebody said yes, and nobody said no."""
    query = request.GET
    if query.get("consent", "").lower() not in YES:
        return False
    if any(query.get(name, "").lower() in YES for name in ("coppa", "lmt", "dnt")):
        return False
    return request.headers.get("Sec-GPC") != "1"
