"""The stream of the page on experiments: the list, or narrowed to one of them with every metric and guardrail.

What moved from look to look is not in it but fetched when a look is new (`ribbon`): of one experiment it is a hundred kilobytes, and
changes every ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adplatform.eventlog.rollup import truncate
from adplatform.experiments import metrics
from adplatform.models import Experiment
from insights.live.streams import Kind, Stream

from . import looks, shape

SECONDS = 5.0
LONGEST_KEY = 60

# By the minute and since when, for each of the two shapes.
_synthetic: dict[tuple[datetime, datetime], dict[datetime, tuple[int, int]]] = {}


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    key = stream.get("experiment")
    return _all(now) if key is None else _one(key, now)


def _all(now: datetime) -> dict[str, Any]:
    found, more = looks.all_seen()
    days = _synthetic_days(found, now)
    return {"experiments": [shape.summary(one, metrics.registered(), days, now) for one in found], "more": more}


def _one(key: str, now: datetime) -> dict[str, Any]:
    found = looks.seen(list(Experiment.objects.filter(key=key)))
    if not found:
        return {"experiment": None}
    (one,) = found
    days = _synthetic_days(found, now)
    by_day = looks.by_day(one.experiment, one.last.at) if one.last and one.experiment.started_at else []
    known = metrics.registered()
    return {"experiment": shape.summary(one, known, days, now) | shape.details(one, known, by_day, now)}


def _synthetic_days(found: list[looks.Seen], now: datetime) -> dict[datetime, tuple[int, int]]:
    """Read once a minute: it tells of days."""
    began = [one.experiment.started_at for one in found if one.experiment.started_at]
    if not began:
        return {}
    at = (truncate(now, "minute"), truncate(min(began), "day"))
    # Streams are built in several threads; another may forget what this one still needs.
    for kept in [kept for kept in list(_synthetic) if kept[0] != at[0]]:
        _synthetic.pop(kept, None)
    if (read := _synthetic.get(at)) is None:
        read = _synthetic[at] = looks.synthetic_by_day(at[1])
    return read


def forget() -> None:
    """What was kept for the minute, for tests whose clock stands still."""
    _synthetic.clear()


def key_of(value: str) -> str:
    """The key of an experiment, which may be gone meanwhile."""
    if not (0 < len(value) <= LONGEST_KEY and value.isprintable()):
        raise ValueError(f"{value!r} is not the key of an experiment")
    return value


EXPERIMENTS = Kind("experiments", build, every=SECONDS, takes={"experiment": key_of})
