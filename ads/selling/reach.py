"""Whom targeting can reach at all: contradictions, and the titles that are left. Pure; targeting in the shape of `ads.terms`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ads.terms import SEVERAL, Vocabulary

Targeting = Mapping[str, Mapping[str, Sequence[Any]]]
Value = str | int

# Singular and plural, as sentences need them.
WORDS: dict[str, tuple[str, str]] = {
    "titles": ("title", "titles"),
    "genres": ("genre", "genres"),
    "maturity": ("maturity rating", "maturity ratings"),
    "moods": ("scene mood", "scene moods"),
    "tags": ("scene tag", "scene tags"),
    "devices": ("device", "devices"),
    "tiers": ("subscription", "subscriptions"),
    "age_bands": ("age band", "age bands"),
    "genders": ("gender", "genders"),
    "countries": ("country", "countries"),
    "dayparts": ("hour of the day", "hours of the day"),
    "weekdays": ("weekday", "weekdays"),
    "break_positions": ("break position", "break positions"),
    "segments": ("viewer segment", "viewer segments"),
}
# Attributes whose values are all known, so that excluding each of them leaves nobody.
_VOCABULARY = Vocabulary()
ALL_VALUES: dict[str, frozenset[Value]] = {
    key: frozenset(_VOCABULARY.of(key) or ())
    for key in ("moods", "devices", "tiers", "age_bands", "genders", "countries", "dayparts", "weekdays", "break_positions")
}


@dataclass(frozen=True)
class TitleFacts:
    """A published title as targeting sees it. ``scenes`` are (mood, tags); ``reserve_micros`` is the least price of 1,000 impressions."""

    id: int
    name: str
    genres: frozenset[str]
    maturity: str
    scenes: tuple[tuple[str, frozenset[str]], ...]
    positions: frozenset[str]
    reserve_micros: int


def contradictions(targets: Sequence[Targeting]) -> Iterator[str]:
    """A sentence for each key on which nobody can match all of ``targets`` (of the campaign, then of the flight)."""
    for key, (one, many) in WORDS.items():
        included = [frozenset(target["include"][key]) for target in targets if _values(target, "include", key)]
        excluded = frozenset[Value]().union(*(_values(target, "exclude", key) for target in targets))
        if any(values <= excluded for values in included):
            yield f"It reaches nobody: every {one} it includes is excluded as well."
        elif key in SEVERAL:
            continue
        elif included and not frozenset.intersection(*included):
            yield f"It reaches nobody: the campaign and the flight include different {many}, and none is in both."
        elif included and not frozenset.intersection(*included) - excluded:
            yield f"It reaches nobody: the {many} that campaign and flight both include are excluded."
        elif not included and key in ALL_VALUES and ALL_VALUES[key] <= excluded:
            yield f"It reaches nobody: it excludes every {one}."


def reachable(titles: Sequence[TitleFacts], targets: Sequence[Targeting]) -> list[TitleFacts]:
    """The titles that have at least one scene after which a break could match."""
    return [title for title in titles if _title_matches(title, targets)]


def overlap(one: Sequence[Targeting], other: Sequence[Targeting]) -> bool:
    """Whether some viewer could match both; keys with several values at once never rule that out."""
    return not any(True for _ in contradictions([*one, *other]))


def covers(wide: Sequence[Targeting], narrow: Sequence[Targeting]) -> bool:
    """Whether everybody whom ``narrow`` reaches is surely reached by ``wide`` too."""
    for key in WORDS:
        allowed = [_values(target, "include", key) for target in narrow if _values(target, "include", key)]
        barred = frozenset[Value]().union(*(_values(target, "exclude", key) for target in narrow))
        for target in wide:
            wanted, unwanted = _values(target, "include", key), _values(target, "exclude", key)
            if wanted and not any(values <= wanted for values in allowed):
                return False
            if unwanted and not (unwanted <= barred or (key not in SEVERAL and any(not values & unwanted for values in allowed))):
                return False
    return True


def _values(target: Targeting, direction: str, key: str) -> frozenset[Value]:
    return frozenset(target.get(direction, {}).get(key) or ())


def _title_matches(title: TitleFacts, targets: Sequence[Targeting]) -> bool:
    whole: dict[str, frozenset[Any]] = {"titles": frozenset({title.id}), "genres": title.genres, "maturity": frozenset({title.maturity} - {""})}
    if not all(_passes(target, key, values) for target in targets for key, values in whole.items()):
        return False
    if not all(any(_passes(target, "break_positions", frozenset({position})) for position in title.positions) for target in targets):
        return False
    scenes = title.scenes or (("", frozenset()),)
    return any(all(_passes(target, "moods", frozenset({mood})) and _passes(target, "tags", tags) for target in targets) for mood, tags in scenes)


def _passes(target: Targeting, key: str, values: frozenset[Any]) -> bool:
    wanted, unwanted = _values(target, "include", key), _values(target, "exclude", key)
    if not values:
        return not wanted and not unwanted
    return (not wanted or bool(values & wanted)) and not values & unwanted
