"""Where the revenue of a range of time comes from. The parts are of the same rows as the whole, so they add up to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ads.models import Campaign
from catalog.models import Genre, Title

from .buckets import PARTS, Parts
from .evidence import evidence, title_page
from .scope import Scope

MOST = 10


def revenue(scope: Scope, parts: Sequence[Parts], total: int) -> dict[str, Any]:
    """By campaign, title and genre, from the ``parts`` of each bucket: the ten that earned most, and the rest as one. Three queries."""
    campaigns, titles, genres = (_grouped(parts, key) for key in PARTS)
    named = dict(Campaign.objects.filter(pk__in=_ids(campaigns)).values_list("pk", "name"))
    films = {pk: (name, slug) for pk, name, slug in Title.objects.filter(pk__in=_ids(titles)).values_list("pk", "name", "slug")}
    kinds = dict(Genre.objects.filter(slug__in=_ids(genres)).values_list("slug", "name"))
    public = scope.advertiser is None

    def campaign(pk: Any) -> Named:
        return named.get(pk, f"Campaign {pk}"), evidence("ads_campaign", pk)

    def title(pk: Any) -> Named:
        if pk not in films:
            return f"Title {pk}" if pk else "No title", None
        name, slug = films[pk]
        return name, title_page(slug) if public else None

    def genre(slug: Any) -> Named:
        return kinds.get(slug, slug or "No genre"), None

    return {
        "by_campaign": _told(campaigns, total, campaign),
        "by_title": _told(titles, total, title),
        "by_genre": _told(genres, total, genre),
    }


Named = tuple[str, str | None]
Line = tuple[Any, int, int, int]


def _grouped(parts: Sequence[Parts], key: str) -> list[Line]:
    """(key, micros, impressions, clicks), what earned most first."""
    found: dict[Any, list[int]] = {}
    for part in parts:
        for value, sums in part[key].items():
            into = found.setdefault(value, [0] * len(sums))
            for place, number in enumerate(sums):
                into[place] += number
    lines = [(name, micros, shown, clicked) for name, (micros, shown, clicked) in found.items()]
    return sorted(lines, key=lambda line: (-line[1], -line[2], str(line[0])))


def _ids(lines: Sequence[Line]) -> list[Any]:
    return [line[0] for line in lines[:MOST]]


def _told(lines: Sequence[Line], total: int, name_of: Callable[[Any], Named]) -> list[dict[str, Any]]:
    told = [_line(line, total, *name_of(line[0])) for line in lines[:MOST]]
    if rest := lines[MOST:]:
        sums = (sum(line[1] for line in rest), sum(line[2] for line in rest), sum(line[3] for line in rest))
        told.append(_line((None, *sums), total, f"{len(rest)} {'other' if len(rest) == 1 else 'others'}", None))
    return told


def _line(line: Line, total: int, name: str, link: str | None) -> dict[str, Any]:
    key, micros, shown, clicked = line
    return {
        "id": key, "name": name, "revenue": micros, "impressions": shown, "clicks": clicked,
        "share": round(micros / total, 6) if total else None, "link": link,
    }  # fmt: skip
