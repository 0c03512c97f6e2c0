from __future__ import annotations

from collections.abc import Iterator

import pytest

from insights.chat.llm.client import client
from tests.insights.chat.scripted import Reply, Server, serving


@pytest.fixture(scope="session", autouse=True)
def _client_is_loaded() -> None:
    """Which takes seconds on a busy machine, and would be taken from the first test's time-outs."""
    client("http://127.0.0.1:9/v1", "k")


@pytest.fixture
def server() -> Iterator[Server]:
    """Answers nothing of use until a test gives it a brain."""
    with serving(lambda seen: Reply(content="")) as server:
        yield server
