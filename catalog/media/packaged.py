"""What a built clip is, told without the tools that build one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.media.integrity import Files

CAPTIONS = "captions.vtt"
TIGHT_CAPTIONS = "tight.vtt"
STILL = "still.jpg"


@dataclass(frozen=True)
class Packaged:
    """A clip on disk: its recipe's hash, its folder below the media root, its segments and the facts about its files."""

    recipe: str
    path: str
    init_uri: str
    segments: list[dict[str, Any]]
    files: Files

    @property
    def duration(self) -> float:
        return sum(float(segment["duration"]) for segment in self.segments)
