from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from .videos import video


@pytest.fixture(scope="session")
def videos() -> Path:
    """Where the small videos are kept between runs."""
    return Path(settings.VAR_DIR) / "videos"


@pytest.fixture(scope="session")
def spot(videos: Path) -> Path:
    """A plain ad of two seconds."""
    return video(videos, "spot.mp4")
