"""The seeded business: committed, because the read-only role has a connection of its own and sees only committed rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from insights.live.business import buckets, now

from .business import Business, opened


@pytest.fixture(autouse=True)
def _nothing_kept_of_another_test() -> None:
    buckets.forget()
    now.forget()


@pytest.fixture(scope="module")
def business(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Business]:
    with django_db_blocker.unblock(), opened() as made:
        yield made
