"""What the Director did in a film and what came of it: counts by scene and action, and applied changes beside randomised controls.

What came of it is optimisation success, as it is shown everywhere: see `engagement.director.success`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db.models import Count, Q, QuerySet

from engagement.director import success
from engagement.director.success import Success
from engagement.models import DirectorAction, DirectorDecision, PlaybackSession
from engagement.retention.selectors import Window

# The newest intended changes of a window; more would say the same more slowly.
MOST_OUTCOMES = 20_000
SAMPLES = 8

KEEP, SUGGEST = DirectorAction.KEEP.value, DirectorAction.SUGGEST.value


@dataclass(frozen=True, slots=True)
class Done:
    """Decisions taken while ``scene`` was on screen: how many ``intended`` the action, and how many did it, drawn by chance or not."""

    scene: int | None
    action: str
    intended: int
    applied: int
    explored: int

    @property
    def name(self) -> str:
        return DirectorAction(self.action).label


@dataclass(frozen=True, slots=True)
class Effect:
    """Optimisation success in the words of one cell each."""

    of: Success

    @property
    def beside(self) -> str:
        return f"{_share_of(self.of.watched, self.of.done)} and {_share_of(self.of.baseline, self.of.held_back)}"

    @property
    def words(self) -> str:
        if self.of.low is None or self.of.high is None:
            return self.of.words
        return f"{self.of.brief}: {'more' if self.of.low > 0 else 'less' if self.of.high < 0 else 'no clear difference'}"


def _share_of(share: float | None, places: int) -> str:
    return f"{places:,}" if share is None else f"{share:.0%} of {places:,}"


@dataclass(frozen=True, slots=True)
class Directed:
    done: tuple[Done, ...]
    effects: dict[tuple[int, str], Success]
    overall: Success
    decisions: int
    samples: tuple[DirectorDecision, ...]
    complete: bool


def directed(title: int, window: Window) -> Directed:
    """Three queries."""
    rows = _decisions(title, window)
    counts = rows.values("scene", "intended", "action").annotate(
        n=Count("pk"), played=Count("pk", filter=Q(applied=True) | Q(action=KEEP)), drawn=Count("pk", filter=Q(explored=True))
    )
    done: dict[tuple[int | None, str], list[int]] = {}
    for row in counts.order_by():
        done.setdefault((row["scene"], row["intended"] or row["action"]), [0, 0, 0])[0] += row["n"]
        taken = done.setdefault((row["scene"], row["action"]), [0, 0, 0])
        taken[1:] = [taken[1] + row["played"], taken[2] + row["drawn"]]
    since, until = bounds(window)
    changes = success.load(since, until, title=title, synthetic=window.synthetic, device=window.device, most=MOST_OUTCOMES)
    samples = rows.exclude(action=KEEP).defer("features", "alternatives").order_by("-decided_at")[:SAMPLES]
    return Directed(
        done=tuple(Done(scene, action, *counted) for (scene, action), counted in done.items()),
        effects=success.by_scene_and_action(changes),
        overall=success.judged(changes.take(changes.action != SUGGEST)),
        decisions=sum(counted[0] for counted in done.values()),
        samples=tuple(samples),
        complete=len(changes) < MOST_OUTCOMES,
    )


def _decisions(title: int, window: Window) -> QuerySet[DirectorDecision]:
    since, until = bounds(window)
    rows = DirectorDecision.objects.filter(title=title, decided_at__gte=since, decided_at__lt=until)
    if window.synthetic is not None:
        rows = rows.filter(synthetic=window.synthetic)
    if window.device:
        began = PlaybackSession.objects.filter(title_id=title, device=window.device, started_at__gte=since - timedelta(days=1), started_at__lt=until)
        rows = rows.filter(session__in=began.values("pk"))
    return rows


def bounds(window: Window) -> tuple[datetime, datetime]:
    """From the first moment of its first UTC day, to the first one after its last."""
    return datetime.combine(window.first, time(), UTC), datetime.combine(window.last + timedelta(days=1), time(), UTC)


def by_scene(found: Directed, scene: int) -> Iterable[tuple[Done, Effect | None]]:
    """Of one scene, the changes first, then what was kept."""
    own = sorted((one for one in found.done if one.scene == scene), key=lambda one: (one.action == KEEP, -one.intended - one.applied, one.action))
    return [(one, Effect(came) if (came := found.effects.get((scene, one.action))) else None) for one in own]
