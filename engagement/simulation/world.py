"""What of the product a synthetic audience meets: the titles it can watch and the creatives it will be shown, read once."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from ads.models import Ad
from catalog.models import Genre
from catalog.selectors import WatchableTitle, browsable_titles, title_for_watching
from engagement.models import Viewer

from . import people
from .audience import Audience
from .people import Person


class NothingToWatch(RuntimeError):
    """No title has its media; the message says what to run."""


@dataclass(frozen=True)
class Creative:
    key: str
    category: str


@dataclass(frozen=True)
class World:
    titles: tuple[WatchableTitle, ...]
    creatives: dict[int, Creative]
    genres: tuple[str, ...]
    categories: tuple[str, ...]


def survey() -> World:
    """Raises NothingToWatch."""
    titles = tuple(title_for_watching(title.slug) for title in browsable_titles())
    if not titles:
        raise NothingToWatch("no title can be watched yet; run `manage.py seed_catalogue` and `manage.py build_media` first")
    creatives = {ad.pk: Creative(ad.asset.key, ad.category) for ad in Ad.objects.select_related("asset")}
    return World(
        titles=titles,
        creatives=creatives,
        genres=tuple(Genre.objects.order_by("slug").values_list("slug", flat=True)),
        categories=tuple(sorted({creative.category for creative in creatives.values()})),
    )


def settle_people(audience: Audience, world: World, *, rng: Generator, count: int | None = None) -> list[Person]:
    """Draw people and give each a viewer profile, marked synthetic; only what a profile would hold is stored."""
    drawn = people.draw(audience, genres=world.genres, categories=world.categories, rng=rng, count=count)
    Viewer.objects.bulk_create([_profile(person, number) for number, person in enumerate(drawn, start=1)], ignore_conflicts=True)
    ids = dict(Genre.objects.values_list("slug", "pk"))
    likes = Viewer.favourite_genres.through
    likes.objects.bulk_create(
        [likes(viewer_id=person.id, genre_id=ids[slug]) for person in drawn for slug in person.favourite_genres()], ignore_conflicts=True
    )
    return drawn


def _profile(person: Person, number: int) -> Viewer:
    return Viewer(
        id=person.id,
        browser=person.id,
        name=f"Synthetic {number}",
        age_band=person.age_band,
        gender=person.gender,
        tier=person.tier,
        monthly_hours=round(person.monthly_hours, 1),
        ads_consent=person.consent,
        country=person.country,
        timezone=person.zone,
        synthetic=True,
    )
