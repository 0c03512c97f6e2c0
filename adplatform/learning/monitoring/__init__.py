"""Is a model that serves still healthy? Readings of drift, quality and faults, by hour and day, and the training that an alarm starts."""

from .readings import Reading, Window
from .retrain import retrain_on_alarm
from .served import NotWatched, Served, Skew, register_checks, watched_kinds
from .watch import forget_old_hours, monitor, nothing_read, watched_versions

__all__ = [
    "NotWatched",
    "Reading",
    "Served",
    "Skew",
    "Window",
    "forget_old_hours",
    "monitor",
    "nothing_read",
    "register_checks",
    "retrain_on_alarm",
    "watched_kinds",
    "watched_versions",
]
