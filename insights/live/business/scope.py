"""What the executive page is narrowed to, and which families of figures can be narrowed so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from engagement.models import Device
from insights.live.streams import Parse, Stream, number, one_of

LONGEST_SLUG = 50


def slug(value: str) -> str:
    if not value or len(value) > LONGEST_SLUG or not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{value!r} is no slug; name a genre as /live/choices.json does")
    return value


TAKES: Mapping[str, Parse] = {
    "campaign": number,
    "title": number,
    "genre": slug,
    "device": one_of(*Device.values),
    "advertiser": number,
}


@dataclass(frozen=True)
class Scope:
    """Empty fields narrow nothing. ``titles`` are those of ``title`` and ``genre`` together, None for all of them."""

    campaign: int | None = None
    advertiser: int | None = None
    title: int | None = None
    genre: str = ""
    device: str = ""
    titles: tuple[int, ...] | None = None

    @property
    def sold(self) -> bool:
        """Whether it names what is sold: then nothing is known but delivery."""
        return self.campaign is not None or self.advertiser is not None

    @property
    def whole(self) -> bool:
        return self == EVERYTHING

    @property
    def place(self) -> Q:
        """Where something was shown; every rollup keeps these."""
        given = {"title_id": self.title, "genre": self.genre or None, "device": self.device or None}
        return Q(**{name: value for name, value in given.items() if value is not None})

    @property
    def delivery(self) -> Q:
        given = {"campaign_id": self.campaign, "advertiser_id": self.advertiser}
        return self.place & Q(**{name: value for name, value in given.items() if value is not None})

    @property
    def params(self) -> dict[str, Any]:
        """For SQL over rows that keep title and device: ``titles`` and ``device``, None where they narrow nothing."""
        return {"titles": None if self.titles is None else list(self.titles), "device": self.device or None}


EVERYTHING = Scope()


def scope_of(stream: Stream) -> Scope:
    """One query where a genre is named, none otherwise."""
    title, genre = stream.number("title"), stream.get("genre") or ""
    titles = _titles_of(genre) if genre else None
    if title is not None:
        titles = (title,) if titles is None or title in titles else ()
    return Scope(
        campaign=stream.number("campaign"),
        advertiser=stream.number("advertiser"),
        title=title,
        genre=genre,
        device=stream.get("device") or "",
        titles=titles,
    )


def _titles_of(genre: str) -> tuple[int, ...]:
    """Titles whose first genre by name it is: the one that rollups keep them by."""
    statement = """
        SELECT t.title_id FROM (
          SELECT DISTINCT ON (tg.title_id) tg.title_id, g.slug FROM catalog_title_genres tg JOIN catalog_genre g ON g.id = tg.genre_id
          ORDER BY tg.title_id, g.name) t
        WHERE t.slug = %s ORDER BY t.title_id
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [genre])
        return tuple(title for (title,) in cursor.fetchall())
