"""What every gate answers with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PASS, FAIL, NOT_ENOUGH = "pass", "fail", "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Gate:
    name: str
    verdict: str
    words: str
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
