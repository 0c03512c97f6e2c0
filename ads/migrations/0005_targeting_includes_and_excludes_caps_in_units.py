"""What flights ask, in the shape that also knows exclusions, campaigns, breaks, playbacks and lifetimes.

``{"devices": ["tv"]}`` becomes ``{"include": {"devices": ["tv"]}}``; ``{"scope": "viewer", "count": 3, "seconds": 86400}`` becomes
``{"scope": "flight", "count": 3, "per": "day", "times": 1}``. Backwards, what the old shape cannot say is left out: exclusions,
caps of a break or a playback; a lifetime becomes the longest window there was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

UNITS = {"week": 604_800, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}
LONGEST_SECONDS = 31 * 86_400
CHUNK = 1000


def new_targeting(old: dict[str, Any]) -> dict[str, Any]:
    include = {key: values for key, values in old.items() if values}
    return {"include": include} if include else {}


def old_targeting(new: dict[str, Any]) -> dict[str, Any]:
    return dict(new.get("include", {}))


def new_caps(old: list[dict[str, Any]]) -> list[dict[str, Any]]:
    caps = []
    for cap in old:
        unit = next(name for name, seconds in UNITS.items() if cap["seconds"] % seconds == 0)
        scope = "flight" if cap["scope"] == "viewer" else cap["scope"]
        caps.append({"scope": scope, "count": cap["count"], "per": unit, "times": cap["seconds"] // UNITS[unit]})
    return caps


def old_caps(new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seconds = {**UNITS, "lifetime": LONGEST_SECONDS}
    return [
        {"scope": "viewer" if cap["scope"] == "flight" else cap["scope"], "count": cap["count"], "seconds": cap["times"] * seconds[cap["per"]]}
        for cap in new
        if cap["per"] in seconds
    ]


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps, new_targeting, new_caps)


def backwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps, old_targeting, old_caps)


def _rewrite(apps: StateApps, targeting: Callable[[Any], Any], caps: Callable[[Any], Any]) -> None:
    for name in ("Flight", "HistoricalFlight"):
        manager = apps.get_model("ads", name)._default_manager
        batch = []
        for row in manager.only("pk", "targeting", "frequency_caps").iterator(chunk_size=CHUNK):
            row.targeting, row.frequency_caps = targeting(row.targeting), caps(row.frequency_caps)
            batch.append(row)
        manager.bulk_update(batch, ["targeting", "frequency_caps"], batch_size=CHUNK)


class Migration(migrations.Migration):
    dependencies = [("ads", "0004_balance_version")]
    operations = [migrations.RunPython(forwards, backwards)]
