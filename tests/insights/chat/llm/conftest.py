from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.insights.chat.scripted import Reply, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """Answers nothing of use until a test gives it a brain."""
    with serving(lambda seen: Reply(content="")) as server:
        yield server
