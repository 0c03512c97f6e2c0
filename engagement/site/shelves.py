"""What the browse page shows: titles as cards, ordered into rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Case, Exists, IntegerField, Model, OuterRef, Q, QuerySet, Value, When

from catalog import selectors as catalogue
from catalog.models import MediaAsset, Scene, Title
from engagement.models import PlaybackSession

FEWEST_FOR_A_ROW = 2


@dataclass(frozen=True)
class Card:
    """One title as the pages show it. ``minutes`` and ``seconds`` come from the packaged clips; ``progress`` is a share 0-1."""

    title: Title
    scenes: tuple[Scene, ...]
    genres: tuple[str, ...]
    ready: bool
    seconds: float
    poster: str
    card: str
    hero: str
    progress: float = 0.0

    @property
    def picture(self) -> str:
        """The widest picture there is, best without lettering."""
        return self.hero or self.card

    @property
    def length(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes} min {seconds:02d} s" if self.seconds else ""

    @property
    def percent(self) -> int:
        return round(self.progress * 100)

    @property
    def moods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(scene.mood for scene in self.scenes))

    @property
    def arc(self) -> str:
        """The film's intensity as points of an SVG polyline in a 200 x 40 box."""
        last = max(len(self.scenes) - 1, 1)
        return " ".join(f"{index * 200 / last:.1f},{38 - scene.intensity * 34:.1f}" for index, scene in enumerate(self.scenes))


@dataclass(frozen=True)
class Row:
    name: str
    slug: str
    cards: tuple[Card, ...]
    kind: str = "poster"


@dataclass(frozen=True)
class Shelves:
    featured: Card | None
    rows: tuple[Row, ...]
    preparing: int = 0
    total: int = 0
    by_slug: dict[str, Card] = field(default_factory=dict)


def published_titles() -> QuerySet[Title]:
    return Title.objects.filter(published=True).prefetch_related("genres", "scenes__asset")


def card_of(title: Title, progress: float = 0.0) -> Card:
    scenes = tuple(title.scenes.all())
    assets = [scene.asset for scene in scenes]
    ready = bool(assets) and all(asset is not None and asset.state == MediaAsset.State.READY for asset in assets)
    return Card(
        title=title,
        scenes=scenes,
        genres=tuple(genre.name for genre in title.genres.all()),
        ready=ready,
        seconds=sum(asset.duration for asset in assets if asset),
        poster=catalogue.poster_url(title),
        card=catalogue.card_url(title),
        hero=catalogue.hero_url(title),
        progress=progress,
    )


def search(query: str) -> list[Card]:
    """Titles where a word of the name, genre, a mood, a scene or the synopsis begins with each word asked for; names first."""
    found = published_titles()
    for word in query.split()[:8]:
        found = found.filter(_says(r"\m" + re.escape(word)))  # \m: the beginning of a word, to PostgreSQL
    nearness = Case(
        When(name__istartswith=query, then=Value(0)),
        When(name__icontains=query, then=Value(1)),
        When(Exists(_of_title(Title.genres.through).filter(genre__name__icontains=query)), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return [card_of(title) for title in found.annotate(nearness=nearness).order_by("nearness", "position", "name")]


def _says(pattern: str) -> Q:
    """Genres and scenes are asked for by EXISTS: joined, each further word would multiply the rows by both."""
    genres = _of_title(Title.genres.through).filter(genre__name__iregex=pattern)
    scenes = _of_title(Scene).filter(Q(mood__iregex=pattern) | Q(name__iregex=pattern))
    return Q(name__iregex=pattern) | Q(synopsis__iregex=pattern) | Q(Exists(genres)) | Q(Exists(scenes))


def _of_title(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.filter(title=OuterRef("pk"))


def shelves(titles: Iterable[Title], *, unfinished: Sequence[PlaybackSession], favourites: Sequence[str], today: date) -> Shelves:
    """Rows in the order a viewer wants them: what they were watching, their genres, then the rest by size."""
    progress = {session.title_id: session.progress for session in unfinished}
    cards = [card_of(title, progress.get(title.pk, 0.0)) for title in titles]
    by_id = {card.title.pk: card for card in cards}
    rows = []
    going = tuple(by_id[session.title_id] for session in unfinished if session.title_id in by_id and by_id[session.title_id].ready)
    if going:
        rows.append(Row("Continue watching", "continue", going, kind="resume"))
    rows += _genre_rows(cards, favourites)
    return Shelves(
        featured=_featured(cards, favourites, today),
        rows=tuple(rows),
        preparing=sum(not card.ready for card in cards),
        total=len(cards),
        by_slug={card.title.slug: card for card in cards},
    )


def _genre_rows(cards: Sequence[Card], favourites: Sequence[str]) -> list[Row]:
    rows = [Row("New on Intermission", "new", tuple(sorted(cards, key=lambda card: not card.ready)), kind="poster")] if cards else []
    names = {name for card in cards for name in card.genres}
    shelf = {name: tuple(sorted((card for card in cards if name in card.genres), key=lambda card: not card.ready)) for name in names}
    order = sorted(shelf, key=lambda name: (not shelf[name][0].ready, name not in favourites, -len(shelf[name]), name))
    for name in order:
        if len(shelf[name]) >= FEWEST_FOR_A_ROW or name in favourites:
            rows.append(Row(name, name.lower().replace(" ", "-"), shelf[name], kind="wide"))
    return rows


def _featured(cards: Sequence[Card], favourites: Sequence[str], today: date) -> Card | None:
    """One playable title a day, from the viewer's genres where there are some."""
    playable = [card for card in cards if card.ready and card.card]
    liked = [card for card in playable if set(card.genres) & set(favourites)] or playable
    return liked[today.toordinal() % len(liked)] if liked else (cards[0] if cards else None)


def next_up(card: Card, cards: Iterable[Card], count: int = 3) -> list[Card]:
    """Playable titles nearest to ``card``: most genres and moods in common."""
    others = [other for other in cards if other.ready and other.title.pk != card.title.pk]

    def nearness(other: Card) -> tuple[int, int, int]:
        return (-len(set(other.genres) & set(card.genres)), -len(set(other.moods) & set(card.moods)), other.title.position)

    return sorted(others, key=nearness)[:count]
