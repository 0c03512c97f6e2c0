"""The history of a row as people read it: when, who, why, and what was changed from what to what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from . import panels, written
from .forms import targeting_choices

HAPPENED = {"+": "Created", "~": "Changed", "-": "Removed"}
# Told by the line itself: who decided on an ad, and when, stand beside it.
TOLD_ANYHOW = frozenset({"id", "reviewed_by", "reviewed_at"})


@dataclass(frozen=True, slots=True)
class Change:
    """One column: the lines that went and those that came. A list that only grew has nothing in ``was``."""

    label: str
    was: list[str]
    becomes: list[str]


class Remembered(SimpleHistoryAdmin):  # type: ignore[misc]
    """The page of a row's versions; going back to one is simple-history's own, and takes its right."""

    object_history_template = "ads/admin/history.html"
    history_list_per_page = 50

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, foreign_keys_are_objs: bool = True) -> None:  # noqa: FBT001
        """Gives each version its ``changes`` against the one before it, on the page or on the next."""
        versions = list(historical_records)
        oldest = versions[-1].prev_record if versions and historical_records.has_next() else None
        targeting = partial(panels.targeting_words, choices=cache(targeting_choices))
        for version, before in zip(versions, [*versions[1:], oldest], strict=False):
            version.changes = _changes(before, version, targeting) if before is not None else []
            version.why = version.history_change_reason or HAPPENED[version.history_type]
            version.who = str(version.history_user) if version.history_user else "the system"


def _changes(before: Any, after: Any, targeting: Any) -> list[Change]:
    found = []
    for field in after.tracked_fields:
        name, column = field.name, field.attname
        if name in TOLD_ANYHOW or getattr(before, column) == getattr(after, column):
            continue
        was, becomes = (
            written.lines(name, _value(row, name, column), targeting=targeting, goal_type=getattr(row, "goal_type", ""), field=field)
            for row in (before, after)
        )
        found.append(
            Change(written.label(name), [one for one in was if one not in becomes] or was, [one for one in becomes if one not in was] or becomes)
        )
    return found


def _value(row: Any, name: str, column: str) -> Any:
    """What a relation leads to, its number where that is gone."""
    try:
        return getattr(row, name)
    except ObjectDoesNotExist:
        return getattr(row, column)
