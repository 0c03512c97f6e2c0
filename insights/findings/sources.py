"""Every kind of finding: what reads its facts, and what judges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from .detectors import anomaly, budget, churn, deadletters, drift, experiment, fatigue, pacing, retention, unfilled
from .finding import Finding
from .reading import audience, hours, machine, selling


@dataclass(frozen=True, slots=True)
class Source:
    """``run(now)`` reads by a constant number of queries and judges."""

    kind: str
    title: str
    run: Callable[[datetime], list[Finding]]


SOURCES = (
    Source(anomaly.KIND, "Unusual figures", lambda now: anomaly.find(hours.series(now, settings.CURRENCY), settings.CURRENCY)),
    Source(pacing.KIND, "Delivery at risk", lambda now: pacing.find(selling.outlooks(now), now=now, currency=settings.CURRENCY)),
    Source(budget.KIND, "Budgets running out", lambda now: budget.find(selling.spendings(now), now=now, currency=settings.CURRENCY)),
    Source(unfilled.KIND, "Breaks without ads", lambda now: unfilled.find(audience.breaks(now), settings.CURRENCY)),
    Source(fatigue.KIND, "Worn-out ads", lambda now: fatigue.find(selling.showings(now), settings.CURRENCY)),
    Source(retention.KIND, "Scenes that lose viewers", lambda now: retention.find(audience.scene_losses(now), settings.CURRENCY)),
    Source(churn.KIND, "Viewers at risk", lambda now: churn.find(audience.risk_days(now))),
    Source(drift.KIND, "Models", lambda now: drift.find(machine.alarms(now))),
    Source(experiment.KIND, "Experiments", lambda now: experiment.find(machine.trials(now))),
    Source(deadletters.KIND, "Event log", lambda _: deadletters.find(machine.dead())),
)
BY_KIND = {source.kind: source for source in SOURCES}
TITLES = {source.kind: source.title for source in SOURCES}
