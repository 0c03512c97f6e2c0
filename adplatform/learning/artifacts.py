"""Artifacts of trained models: files named by their hash, checked against it whenever they are read, never unpickled."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from adplatform.models import ModelVersion

from .predictor import ArtifactRefused, Predictor, load, sha256


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to serve. ``parameters`` are those kept with the version, for example the residuals of a regressor."""

    kind: str
    version_number: int
    estimator: str
    predictor: Predictor
    schema_fingerprint: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def store_artifact(artifact: bytes, suffix: str) -> tuple[str, str]:
    """Write below the models folder under its own SHA-256; returns (relative path, hash). Storing twice changes nothing."""
    digest = sha256(artifact)
    relative = f"{digest[:2]}/{digest}{suffix}"
    target = Path(settings.MODELS_DIR) / relative
    if target.exists() and sha256(target.read_bytes()) == digest:
        return relative, digest
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as handle:
        handle.write(artifact)
        handle.flush()
        os.fsync(handle.fileno())
    Path(handle.name).replace(target)
    return relative, digest


def read_artifact(path: str, expected_sha256: str, *, of: str) -> bytes:
    """Raises ArtifactRefused when the file is missing or its bytes changed since they were stored; ``of`` says whose it is."""
    try:
        artifact = (Path(settings.MODELS_DIR) / path).read_bytes()
    except OSError as error:
        raise ArtifactRefused(f"the artifact of {of} cannot be read: {error.strerror}") from error
    if sha256(artifact) != expected_sha256:
        raise ArtifactRefused(f"the artifact of {of} changed: its SHA-256 is {sha256(artifact)[:12]}..., registered was {expected_sha256[:12]}...")
    return artifact


def load_version(version: ModelVersion) -> LoadedModel:
    """Raises ArtifactRefused when the artifact is missing, damaged or not what was registered."""
    artifact = read_artifact(version.artifact, version.artifact_sha256, of=str(version))
    return LoadedModel(
        kind=version.kind,
        version_number=version.number,
        estimator=version.estimator,
        predictor=load(artifact, Path(version.artifact).suffix, expected_sha256=version.artifact_sha256),
        schema_fingerprint=version.parameters.get("schema_fingerprint", ""),
        parameters=version.parameters,
    )
