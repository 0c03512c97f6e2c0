"""The two or three changes that would free most delivery of a flight, each tried on logged requests."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any

from django.conf import settings

from ads.decision.inventory import Value
from ads.models import Flight
from catalog.models import Genre, Title

from . import changes, sample
from .changes import Change
from .estimate import Gain, gain, per_day
from .sample import Proposal
from .world import Run, World, run

# So many requests tell which changes are worth a closer look, so many changes get one, and so many are told.
SCREENED, CLOSER, TOLD = 250, 4, 3
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Option:
    """A change with what it is worth. ``losers`` are (flight, name, advertiser, slots a day); flight 0 are seconds that stayed empty."""

    change: Change
    gain: Gain
    losers: tuple[tuple[int, str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Gains:
    """``options`` are the best changes, the best first, ``pair`` two of them together where that is better than each, ``tried`` the others
    with the extra impressions a day that a first look gave them.

    ``impressions`` and ``goal`` a day are those of the flight as it is, by the same simulation; ``reasons`` what became of its ads there, scaled to
    all ``requests``. ``decided`` requests of ``persons`` people were decided again. ``shifted``: as if it had run all that time.
    """

    flight: int
    since: datetime
    until: datetime
    requests: int
    decided: int
    persons: int
    days: float
    shifted: bool
    impressions: float
    goal: float
    goal_type: str
    reasons: dict[str, int]
    options: tuple[Option, ...]
    pair: Option | None
    tried: tuple[tuple[str, float], ...]


def gains(flight: Flight, since: datetime, until: datetime, *, now: datetime, progress: Progress | None = None) -> Gains:
    """Raises NothingLogged."""
    proposed = sample.proposal(flight, since, now=now)
    begins = since if proposed.shifted or flight.starts_at <= since else flight.starts_at
    logged = sample.world(flight, proposed, begins, until)
    trial = _Trial(flight, proposed, logged, now, progress or (lambda _: None))
    options, pair, tried = trial.all()
    reasons = Counter(code for told in trial.base.reasons for code in told)
    return Gains(
        flight=flight.pk,
        since=begins,
        until=until,
        requests=round(logged.weight * len(logged.logged)),
        decided=len(logged.logged),
        persons=int(logged.persons.max()) + 1,
        days=logged.days,
        shifted=proposed.shifted,
        impressions=per_day(logged, trial.base.impressions),
        goal=per_day(logged, trial.base.events),
        goal_type=flight.goal_type,
        reasons={code: round(count * logged.weight) for code, count in reasons.most_common()},
        options=options,
        pair=pair,
        tried=tried,
    )


@dataclass
class _Trial:
    """One flight's changes, tried on a few requests and the best of them on all."""

    flight: Flight
    proposed: Proposal
    world: World
    now: datetime
    progress: Progress
    done: float = 0.0
    steps: float = 1.0
    base: Run = field(init=False)

    def all(self) -> tuple[tuple[Option, ...], Option | None, tuple[tuple[str, float], ...]]:
        self.steps = len(self.world.logged) * (2.0 + CLOSER)
        self.base = run(self.world, self.proposed.sold(), tick=self._tick)
        found = changes.candidates(self.proposed, self.world, self.base, named=_names(), currency=settings.CURRENCY, now=self.now)
        few = self.world.smaller(SCREENED)
        self.steps += len(few.logged) * (len(found) + 4)
        few_base = self.base if few is self.world else run(few, self.proposed.sold(), tick=self._tick)
        looked = [(self._extra(few, few_base, change), change) for change in found]
        promising = [change for extra, change in sorted(looked, key=lambda one: -one[0]) if extra > 0]
        closer = sorted((self._option(change) for change in promising[:CLOSER]), key=self._worth, reverse=True)
        options = tuple(option for option in _different(closer) if self._worth(option) > 0)[:TOLD]
        pair = self._pair(few, few_base, options)
        told = {option.change.key for option in options}
        tried = tuple((change.words, extra) for extra, change in looked if change.key not in told)
        self.progress(1.0)
        return options, pair, tried

    def _tick(self, done: int) -> None:
        self.done += done
        self.progress(min(0.99, self.done / self.steps))

    def _run(self, world: World, base: Run, change: Change) -> Run:
        return run(world, change.made(self.proposed).sold(), like=base, touches=change.touches, tick=self._tick)

    def _extra(self, world: World, base: Run, change: Change) -> float:
        """Of what the flight was sold for, a day."""
        changed = self._run(world, base, change)
        return per_day(world, changed.events - base.events if self._by_goal else changed.impressions - base.impressions)

    @property
    def _by_goal(self) -> bool:
        return self.flight.goal_type in (Flight.Goal.COMPLETED_VIEWS, Flight.Goal.CLICKS)

    def _worth(self, option: Option) -> float:
        return option.gain.goal.extra if self._by_goal else option.gain.impressions.extra

    def _option(self, change: Change) -> Option:
        found = gain(self.world, self.base, self._run(self.world, self.base, change), self.flight.pk)
        known = {row.id: row for era in self.world.eras for row in era.flights}
        losers = ((one, known[one].name if one in known else "", known[one].advertiser if one in known else 0, slots) for one, slots in found.losers)
        return Option(change, found, tuple(losers))

    def _pair(self, few: World, few_base: Run, options: Sequence[Option]) -> Option | None:
        """The best two of ``options`` together, None where that is not better than the best alone."""
        both = [pair for one, other in combinations(options, 2) if (pair := one.change.with_other(other.change)) is not None]
        if not both:
            return None
        best = self._option(max(both, key=lambda change: self._extra(few, few_base, change)))
        return best if self._worth(best) > self._worth(options[0]) else None


def _different(options: Sequence[Option]) -> list[Option]:
    """Of several changes of the same field the best."""
    found: dict[str, Option] = {}
    for option in options:
        found.setdefault(option.change.key.partition(":")[0] if option.change.key.startswith("bid") else _field(option.change), option)
    return list(found.values())


def _field(change: Change) -> str:
    """What it changes: the column, of targeting the key too."""
    return ":".join(change.key.split(":")[:3])


def _names() -> Callable[[str, Value], str]:
    """What planners call the values of targeting."""
    titles, genres = dict(Title.objects.values_list("pk", "name")), dict(Genre.objects.values_list("slug", "name"))
    places = {"pre": "before the film", "mid": "in the film", "post": "after the film"}

    def named(key: str, value: Value) -> str:
        known: dict[str, dict[Any, str]] = {
            "titles": titles,
            "genres": genres,
            "weekdays": dict(enumerate(calendar.day_name)),
            "break_positions": places,
        }
        if key == "dayparts":
            return f"{value:02d} h"
        text = known.get(key, {}).get(value, str(value).replace("_", " "))
        return "TV" if text == "tv" else text

    return named
