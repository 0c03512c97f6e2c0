"""Training rows of the click and the completion model: features exactly as they were served, joined to what happened after.

Days are read one after the other, from the table or its archive alike; of each only its rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import Sum
from numpy.typing import NDArray

from adplatform.learning.training import Dataset, NotEnoughData
from ads.models import Advertiser, DeliveryDay

from .features import SCHEMA

if TYPE_CHECKING:
    from adplatform.eventlog.days import Day

    from .rows import Label, Rows

# An ad is on screen for seconds; a click later than this belongs to something else, and so does the end of an ad that was left paused.
CLICK_WINDOW = COMPLETION_WINDOW = timedelta(minutes=10)
HISTORY = timedelta(days=28)
# An impression of a player that reports what is on screen (IAB and MRC: half of the pixels for two seconds in a row) is a row
# when it was seen. A player that reported nothing of the kind all day for so many impressions cannot: then each is a row. Fewer
# tell nothing about it, and none of them is, unless nobody at all reported it that day.
LEAST_TO_TELL = 5
DECISIONS, EVENTS = "ads_decision", "ads_adevent"


def load(as_of: datetime) -> Dataset:
    """A row for each valid impression that was seen and whose click window had closed at ``as_of``; label 1 when a valid click
    came in it. `rows.select` says what counts as seen.

    Rows logged under another feature schema are left out. The exposure column holds the slot the ad really had. Keys are
    ``decision/slot``, groups ``advertiser`` (its name) and ``device``; ``served`` is the pCTR of the decision.
    Raises NotEnoughData when a day that was stored cannot be read any more.
    """
    return _load("click", as_of)


def load_completion(as_of: datetime) -> Dataset:
    """The same rows, label 1 when the ad was seen to its end within the window; ``served`` is the pVCR of the decision."""
    return _load("completion", as_of)


def _load(outcome: str, as_of: datetime) -> Dataset:
    return together([part for _, part in by_day(outcome, as_of)])


def by_day(outcome: str, as_of: datetime) -> Iterator[tuple[date, Dataset]]:
    """The rows of `load` (``click``) or `load_completion` (``completion``) day by day, days without any left out."""
    # Arrow costs every process that holds it tens of megabytes, and web processes read no rows.
    from adplatform.eventlog.days import MissingDay

    from .rows import Bounds, rows_of_day

    label, names = labels()[outcome], {str(pk): name for pk, name in Advertiser.objects.values_list("id", "name")}
    bounds = Bounds(since=as_of - HISTORY, as_of=as_of)
    try:
        for decisions, events in _days(bounds.since, bounds.mature(label)):
            if parts := list(rows_of_day(decisions, events, bounds, label)):
                yield decisions.day, _dataset(parts, names)
    except MissingDay as error:
        raise NotEnoughData(f"a day to learn from is missing: {error}") from error


def labels() -> Mapping[str, Label]:
    from .rows import CLICK, COMPLETE, Label

    return {
        "click": Label(CLICK, CLICK_WINDOW, score="pctr", version="model_version"),
        "completion": Label(COMPLETE, COMPLETION_WINDOW, score="pvcr", version="completion_version"),
    }


def _days(since: datetime, until: datetime) -> Iterator[tuple[Day, Day]]:
    """(decisions, events) of each UTC day. Raises NotEnoughData for a day of which figures tell and whose decisions are nowhere."""
    from adplatform.eventlog.days import days_between, find_days

    days = days_between(since.astimezone(UTC).date(), until.astimezone(UTC).date())
    found = list(zip(find_days(DECISIONS, days), find_days(EVENTS, days), strict=True))
    lost = {decisions.day for decisions, events in found if not (decisions.there and events.there)}
    for day, slots in _decided(lost).items():
        raise NotEnoughData(
            f"a day to learn from is missing: {slots:,} ads were decided on {day}, and its decisions or events are neither in the database"
            f" nor in the archive. Bring the archive back from a backup, or wait until the day is older than {HISTORY.days} days"
        )
    yield from found


def _decided(days: set[date]) -> dict[date, int]:
    buckets = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    counted = DeliveryDay.objects.filter(bucket__in=buckets, decided__gt=0).values("bucket").annotate(slots=Sum("decided")).order_by("bucket")
    return {row["bucket"].date(): row["slots"] for row in counted}


def _dataset(parts: Sequence[Rows], names: Mapping[str, str]) -> Dataset:
    """In order of time, then of decision and slot."""
    from .rows import key_names, name_of

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    at, decision, slot = column("at"), column("decision"), column("slot")
    order = np.lexsort((slot, decision, at))
    # Under its name of today: an advertiser that was renamed stays one.
    advertisers = [names.get(one, logged) for part in parts for one, logged in part.advertiser]
    return Dataset(
        features=column("features")[order],
        labels=column("labels")[order],
        at=at[order] / 1e6,
        session=np.array([name_of(one) for one in column("session")[order]], dtype=np.str_),
        synthetic=column("synthetic")[order],
        keys=key_names(decision[order], slot[order]),
        groups={"advertiser": np.array(advertisers, dtype=np.str_)[order], "device": column("device")[order]},
        served=column("served")[order],
        served_by=column("served_by")[order],
    )


def together(parts: Sequence[Dataset]) -> Dataset:
    """One after the other; without any, no rows."""
    if not parts:
        return _none()

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Dataset(
        **{name: column(name) for name in ("features", "labels", "at", "session", "synthetic", "keys", "served", "served_by")},
        groups={name: np.concatenate([part.groups[name] for part in parts]) for name in parts[0].groups},
    )


def _none() -> Dataset:
    text, numbers = np.empty(0, dtype=np.str_), np.empty(0)
    return Dataset(
        features=np.empty((0, len(SCHEMA.features)), dtype=np.float32), labels=numbers, at=numbers, session=text,
        synthetic=np.empty(0, dtype=bool), keys=text, groups={"advertiser": text, "device": text}, served=numbers,
        served_by=np.empty(0, dtype=np.int64),
    )  # fmt: skip
