"""When an endpoint is left alone for a while: after three failures in a row, or for as long as it asks. Shared by all processes in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core.cache import cache

FAILURES = 3
REST_SECONDS = 60
# Failures further apart than this are not in a row.
IN_A_ROW_SECONDS = 600
# Where an endpoint says "too many" and not until when.
PAUSE_SECONDS = 20
LONGEST_PAUSE_SECONDS = 600


@dataclass(frozen=True)
class Rest:
    """The breaker of one endpoint and model. After the rest one failure is enough for the next: the count ends with a success."""

    name: str

    @classmethod
    def of(cls, base_url: str, model: str) -> Rest:
        """The address may hold a user name, so it is kept as a digest only."""
        return cls(hashlib.sha256(f"{base_url}\n{model}".encode()).hexdigest()[:24])

    def reason(self) -> str | None:
        """Why the endpoint is resting just now, or None."""
        told: str | None = cache.get(f"llm:rest:{self.name}")
        return told

    def failed(self, reason: str, *, pause: float | None = None) -> None:
        """``pause``: seconds for which the endpoint itself asked to be left alone."""
        if pause is not None:
            seconds = min(max(1, round(pause)), LONGEST_PAUSE_SECONDS)
            cache.set(f"llm:rest:{self.name}", f"it asked to be left alone for {seconds} s", seconds)
        key = f"llm:failures:{self.name}"
        cache.add(key, 0, IN_A_ROW_SECONDS)
        try:
            failures = cache.incr(key)
        except ValueError:  # it ran out between the two
            failures = 1
        if failures >= FAILURES and pause is None:
            cache.set(f"llm:rest:{self.name}", f"it failed {failures} times in a row, at last: {reason}; it rests for a minute", REST_SECONDS)

    def succeeded(self) -> None:
        cache.delete(f"llm:failures:{self.name}")
