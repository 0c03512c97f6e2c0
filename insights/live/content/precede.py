"""What precedes leaving and not coming back, over all titles: `engagement.precursors`, shaped for the pages that show it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from catalog.models import Title
from engagement import precursors
from engagement.retention.selectors import Window

from .shapes import precursor

# Every scene of a large catalogue is compared; a page shows the ends of the list.
MOST_SCENES = 10_000
SHOWN = 10


def found(window: Window, *, now: datetime) -> dict[str, Any]:
    """Scenes that lose and that hold viewers beyond doubt or nearly so, titles left early, and titles after which viewers began nothing
    within the churn horizon. Nine queries."""
    horizon = timedelta(days=settings.CHURN_HORIZON_DAYS)
    slugs = dict(Title.objects.values_list("pk", "slug"))
    scenes = precursors.scenes_before_leaving(window, most=MOST_SCENES)
    gone = precursors.last_before_not_coming_back(since=now - timedelta(days=window.days), until=now, now=now, horizon=horizon)
    holding = sorted((one for one in scenes if one.excess.value < 0), key=lambda one: (one.excess.high, one.title, one.scene or 0))
    return {
        "horizon_days": settings.CHURN_HORIZON_DAYS,
        "least_views": precursors.LEAST_VIEWS,
        "scenes": len(scenes),
        "losing": [precursor(one, slugs) for one in scenes if one.excess.value > 0][:SHOWN],
        "holding": [precursor(one, slugs) for one in holding[:SHOWN]],
        "of_scenes": {str(one.scene): precursor(one, slugs) for one in scenes},
        "titles": [precursor(one, slugs) for one in precursors.titles_before_leaving(window)],
        "not_back": [precursor(one, slugs) for one in gone],
    }
