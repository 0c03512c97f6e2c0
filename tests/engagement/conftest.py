"""What processes keep of the catalogue for minutes is that of another test here."""

from __future__ import annotations

import pytest

from engagement import suggestions


@pytest.fixture(autouse=True)
def _no_suggestions_of_another_test() -> None:
    suggestions.forget()
