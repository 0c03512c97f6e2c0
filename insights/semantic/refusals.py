"""Why figures could not be read, in words for whoever asked."""

from __future__ import annotations


class CannotRun(RuntimeError):
    """The figures could not be read; the message says why and what to do."""


class Cancelled(CannotRun):
    """Somebody ended the statement."""
