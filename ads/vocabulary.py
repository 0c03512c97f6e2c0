"""The values that targeting knows today: what the catalogue holds, and the segments that the audience's room has registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from catalog.models import Genre, Scene, Title

from .terms import Vocabulary

_sources: list[Callable[[], Mapping[str, str]]] = []


def register_segments(source: Callable[[], Mapping[str, str]]) -> None:
    """Tell who knows the segments a viewer may be in, slug -> words; asked anew each time, since genres come and go.

    Called once, from the `AppConfig.ready` of who sorts viewers into them.
    """
    _sources.append(source)


def segments() -> dict[str, str]:
    """Slug -> words."""
    return {slug: words for source in _sources for slug, words in source().items()}


def current() -> Vocabulary:
    titles = list(Title.objects.order_by("id").values_list("id", "maturity"))
    tags = {tag for found in Scene.objects.exclude(tags=[]).values_list("tags", flat=True) for tag in found}
    return Vocabulary(
        titles=tuple(title for title, _ in titles),
        genres=tuple(Genre.objects.values_list("slug", flat=True)),
        maturity=tuple(sorted({maturity for _, maturity in titles})),
        tags=tuple(sorted(tags)),
        segments=tuple(segments()),
    )
