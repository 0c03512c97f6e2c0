"""Which streams there are. Each page keeps its own beside what it draws."""

from __future__ import annotations

from insights.findings.stream import INSIGHTS

from . import streams
from .business.now import NOW
from .business.trend import TREND
from .content.catalogue import CONTENT
from .content.title import TITLE
from .experiments.stream import EXPERIMENTS
from .models.stream import MODELS

KINDS = (
    NOW,
    TREND,
    EXPERIMENTS,
    TITLE,
    CONTENT,
    INSIGHTS,
    MODELS,
)


def register_all() -> None:
    """Called when the app is ready, in every process that publishes, relays or reads a stream."""
    for kind in KINDS:
        streams.register(kind)
