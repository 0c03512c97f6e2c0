"""The values that targeting knows today: what the catalogue holds, and the segments that the audience's room has registered."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import Genre, Scene, Title

from .terms import Vocabulary

_segments: dict[str, str] = {}


def register_segments(names: Iterable[tuple[str, str]]) -> None:
    """Tell which segments a viewer may be in, as (slug, words). Called once, from the `AppConfig.ready` of who sorts viewers into them."""
    _segments.update(names)


def segments() -> dict[str, str]:
    """Slug -> words."""
    return dict(_segments)


def current() -> Vocabulary:
    titles = list(Title.objects.order_by("id").values_list("id", "maturity"))
    tags = {tag for found in Scene.objects.exclude(tags=[]).values_list("tags", flat=True) for tag in found}
    return Vocabulary(
        titles=tuple(title for title, _ in titles),
        genres=tuple(Genre.objects.values_list("slug", flat=True)),
        maturity=tuple(sorted({maturity for _, maturity in titles})),
        tags=tuple(sorted(tags)),
        segments=tuple(_segments),
    )
