"""Why a viewer is at risk, in words: the columns that raised the prediction, strongest first. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from adplatform.learning.metrics import Floats
from adplatform.learning.schema import Matrix
from engagement.models import Device

from .features import SCHEMA

MOST_REASONS = 5
# In log-odds: less moves a risk of one half by less than one point.
LEAST_EFFECT = 0.04


def _count(number: float, one: str) -> str:
    return f"{number:.0f} {one}{'' if round(number) == 1 else 's'}"


def _days(number: float) -> str:
    return f"{number * 24:.0f} hours" if number < 1 else f"{number:.1f} days"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _trend(change: float) -> str:
    return f"The last three films were seen {abs(change) * 100:.0f} points {'less' if change < 0 else 'more'} far than those before"


def _device(code: float) -> str:
    return f"Watches on a {list(Device)[int(code)].label}" if code >= 0 else "Watches on an unknown device"


WORDS: dict[str, Callable[[float], str]] = {
    "sessions_1_day": lambda v: f"{_count(v, 'session')} in the last day",
    "sessions_7_days": lambda v: f"{_count(v, 'session')} in the last week",
    "sessions_28_days": lambda v: f"{_count(v, 'session')} in four weeks",
    "days_since_last": lambda v: f"Last here {_days(v)} ago",
    "usual_gap_days": lambda v: f"Usually comes every {_days(v)}",
    "overdue": lambda v: f"Away {v:.1f} times as long as usual",
    "days_known": lambda v: f"First seen {_days(v)} ago",
    "progress": lambda v: f"Saw {_percent(v)} of the scenes of the last films",
    "progress_trend": _trend,
    "watched_share": lambda v: f"Watched {_percent(v)} of the last films' length",
    "finished_share": lambda v: f"Finished {_percent(v)} of the last films",
    "skips_per_hour": lambda v: f"Skips {v:.1f} scenes an hour" if v else "Skips no scene",
    "rewinds_per_hour": lambda v: f"Rewinds {v:.1f} times an hour" if v else "Never rewinds",
    "complaints": lambda v: f"{_count(v, 'complaint')} in four weeks",
    "stars": lambda v: f"Gives {v:.1f} stars on average",
    "stall_seconds_per_hour": lambda v: f"{v:.0f} seconds of buffering an hour",
    "ads_per_hour": lambda v: f"Met {v:.0f} ads an hour",
    "ad_skip_share": lambda v: f"Skips {_percent(v)} of the ads",
    "genre_match": lambda v: f"{_percent(v)} of the last films' genres are favourites",
    "suggestions_taken": lambda v: f"{_count(v, 'suggestion')} taken in four weeks",
    "as_edited_share": lambda v: f"{_percent(v)} of the last films watched as edited",
    "device": _device,
    "hour_regularity": lambda v: f"Hours of watching are {_percent(v)} regular",
}
UNKNOWN: dict[str, str] = {
    "usual_gap_days": "Came on one evening only",
    "overdue": "Came on one evening only",
    "progress_trend": "Three playbacks at most so far",
    "stars": "Has rated nothing",
    "ad_skip_share": "Met no ads lately",
    "genre_match": "Named no favourite genres",
}


def reasons(row: Matrix, effects: Floats) -> list[dict[str, Any]]:
    """``[{"feature", "value", "effect", "words"}]`` of the columns that raise the risk, from one row [f] and its contributions [f] in
    log-odds. The same words are not said twice."""
    found: list[dict[str, Any]] = []
    for place in sorted(range(len(effects)), key=lambda place: -effects[place]):
        if effects[place] < LEAST_EFFECT or len(found) == MOST_REASONS:
            break
        name, value = SCHEMA.names[place], float(row[place])
        words = _words(name, value)
        if words and all(words != one["words"] for one in found):
            known = None if math.isnan(value) else round(value, 4)
            found.append({"feature": name, "value": known, "effect": round(float(effects[place]), 4), "words": words})
    return found


def _words(name: str, value: float) -> str:
    return UNKNOWN.get(name, "") if math.isnan(value) else WORDS[name](value)


def in_words(told: Sequence[dict[str, Any]], most: int = 3) -> str:
    return "; ".join(str(one["words"]) for one in told[:most])
