"""Which streams there are. Each page registers its own."""

from __future__ import annotations

from .business import now as now

__all__ = ["now"]
