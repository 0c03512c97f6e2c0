from __future__ import annotations

from tests.adplatform.learning.conftest import _nothing_loaded

__all__ = ["_nothing_loaded"]
