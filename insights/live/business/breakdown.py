"""Where the revenue of a range of time comes from. The parts are of the same rows as the whole, so they add up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q, Sum

from ads.models import Campaign
from catalog.models import Genre, Title

from . import figures
from .evidence import evidence, title_page
from .periods import Period
from .scope import Scope

MOST = 10


def revenue(scope: Scope, shown: Period, total: int) -> dict[str, Any]:
    """By campaign, title and genre: the ten that earned most, and the rest as one. Four queries."""
    rows = list(
        figures.DELIVERY.rows(shown.range.grain, scope, Q(bucket__gte=shown.since, bucket__lt=shown.until))
        .values("campaign_id", "title_id", "genre")
        .annotate(earned=Sum("revenue_micros"), shown=Sum("impressions"), clicked=Sum("clicks"))
    )
    campaigns, titles, genres = (_grouped(rows, key) for key in ("campaign_id", "title_id", "genre"))
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


def _grouped(rows: Sequence[Mapping[str, Any]], key: str) -> list[Line]:
    """(key, micros, impressions, clicks), what earned most first."""
    found: dict[Any, list[int]] = {}
    for row in rows:
        into = found.setdefault(row[key], [0, 0, 0])
        for place, name in enumerate(("earned", "shown", "clicked")):
            into[place] += int(row[name])
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
