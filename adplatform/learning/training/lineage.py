"""Where a version comes from: which rows, by which code and libraries, with which settings, compared with what."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
from django.conf import settings

from ..gates import Profile
from .dataset import Dataset

# What the numbers of a model depend on, of those that are installed.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "onnx", "onnxruntime", "torch")
# Set where a release is built: an image holds no repository to ask.
RELEASE = "INTERMISSION_RELEASE"


def lineage(
    earlier: Dataset, later: Dataset, *, as_of: datetime, parameters: Mapping[str, Any], compared_with: str, profile: Profile | None
) -> dict[str, Any]:
    """JSON. The same rows have the same ``rows_sha256``, whatever machine read them."""
    return {
        "as_of": as_of.isoformat(),
        "rows_sha256": _rows_hash(earlier, later),
        "rows_by_day": _by_day(earlier, later),
        "settings": dict(parameters),
        "compared_with": compared_with,
        "code": _code(),
        "libraries": dict(_libraries()),
        "python": platform.python_version(),
        "profile": profile.as_json() if profile is not None else None,
    }


def _rows_hash(*parts: Dataset) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for column in (part.features, part.labels, part.at):
            digest.update(str(column.shape).encode())
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _by_day(*parts: Dataset) -> dict[str, int]:
    """The day partitions that rows came from, and how many."""
    days = Counter(int(day) for part in parts for day in part.at // 86400)
    return {datetime.fromtimestamp(day * 86400, tz=UTC).date().isoformat(): count for day, count in sorted(days.items())}


@lru_cache(maxsize=1)
def _code() -> str:
    """The release, or the commit that runs, with ``-dirty`` where files differ from it; empty where neither is known."""
    git = shutil.which("git")
    if RELEASE in os.environ or git is None:
        return os.environ.get(RELEASE, "")
    asked = [git, "-C", str(settings.BASE_DIR), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


@lru_cache(maxsize=1)
def _libraries() -> tuple[tuple[str, str], ...]:
    return tuple((name, metadata.version(name)) for name in LIBRARIES if _installed(name))


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
