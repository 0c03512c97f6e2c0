from __future__ import annotations

from collections.abc import Iterator

import pytest

from adplatform.learning import registry


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    """What one test promoted must not score in the next one of the same process."""
    registry.forget_loaded()
    yield
    registry.forget_loaded()
