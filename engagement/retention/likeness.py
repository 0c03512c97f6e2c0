"""What is usual of titles of like length: the same figures of other films, and of their scenes at a like place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .intervals import Share
from .selectors import NOTHING, FilmScene, SceneFigures, film_seconds, of_film

# A film is compared with those of at least three quarters and at most four thirds of its length, the nearest first.
LIKE_LENGTH = 4 / 3
MOST_TITLES = 20
# Scenes whose middle lies within this share of the film's length are at a like place.
LIKE_PLACE = 0.12
FEWEST_VIEWS = 30

Figures = Mapping[tuple[int, int], SceneFigures]


@dataclass(frozen=True, slots=True)
class Usual:
    """Sums over the scenes of other titles at a like place."""

    titles: int
    starts: int
    completed: int
    skipped: int
    rewound: int
    left: int
    seen_milliseconds: int
    offered_milliseconds: int

    def share(self, measure: str) -> Share:
        return Share(getattr(self, measure), self.starts)

    @property
    def watched(self) -> float | None:
        return self.seen_milliseconds / self.offered_milliseconds if self.offered_milliseconds else None


def of_like_length(seconds: Mapping[int, float], title: int) -> list[int]:
    """Titles of like length by the seconds of their films, without this one, the nearest in length first."""
    own = seconds.get(title)
    if not own:
        return []
    near = [other for other, length in seconds.items() if other != title and length and max(length, own) <= LIKE_LENGTH * min(length, own)]
    return sorted(near, key=lambda other: (abs(seconds[other] - own), other))


def like_titles(films: Mapping[int, Sequence[FilmScene]], title: int) -> list[int]:
    """The `of_like_length` that a title is compared with scene by scene."""
    return of_like_length({one: film_seconds(scenes) for one, scenes in films.items()}, title)[:MOST_TITLES]


def usual_at(scene: FilmScene, others: Iterable[int], films: Mapping[int, Sequence[FilmScene]], figures: Figures) -> Usual:
    """Of the scenes of these titles at a like place, optional ones with optional ones alone; the finale with finales."""
    finale = films[scene.title][-1].id == scene.id
    met: list[tuple[int, SceneFigures]] = []
    for title in others:
        for one in films[title]:
            alike = (one.id == films[title][-1].id) == finale and one.optional == scene.optional
            if alike and (finale or abs(one.place - scene.place) <= LIKE_PLACE):
                met.append((title, figures.get((title, one.id), NOTHING)))
    return Usual(
        titles=len({title for title, found in met if found.starts}),
        **{
            name: sum(getattr(found, name) for _, found in met)
            for name in ("starts", "completed", "skipped", "rewound", "left", "seen_milliseconds", "offered_milliseconds")
        },
    )


def share_of_film(films: Mapping[int, Sequence[FilmScene]], figures: Figures, title: int) -> float | None:
    """Mean share of the film as edited that a viewing has seen, 0-1; None with too few viewings."""
    whole, seconds = of_film(figures, title), film_seconds(films.get(title, ()))
    if whole.starts < FEWEST_VIEWS or not seconds:
        return None
    return min(1.0, whole.seen_milliseconds / 1000 / (whole.starts * seconds))
