"""Trained models: artifacts named by their hash, versions as rows, one champion a kind, and how processes come to serve it.

A promotion commits first and then raises a version marker in Redis. A serving process looks at the marker at most once a
second and loads what the rows say when it moved; when Redis or PostgreSQL is away, or an artifact is damaged, it goes on
with the model it has.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from redis.backoff import NoBackoff
from redis.retry import Retry

from adplatform.eventlog import stream
from adplatform.models import ModelVersion

from .predictor import ArtifactRefused, Predictor, load, sha256

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
# Even with the marker unmoved: a process may have died between its commit and raising it.
LOOK_AT_ROWS_SECONDS = 30.0
NUMBER_ATTEMPTS = 5
Alias, Status = ModelVersion.Alias, ModelVersion.Status


class NotPromotable(ValueError):
    """This version cannot become champion; the message says why."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to serve. ``parameters`` are those kept with the version, for example the residuals of a regressor."""

    kind: str
    version_number: int
    estimator: str
    predictor: Predictor
    schema_fingerprint: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


# Artifacts


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


def load_version(version: ModelVersion) -> LoadedModel:
    """Raises ArtifactRefused when the artifact is missing, damaged or not what was registered."""
    path = Path(settings.MODELS_DIR) / version.artifact
    try:
        artifact = path.read_bytes()
    except OSError as error:
        raise ArtifactRefused(f"the artifact of {version} cannot be read: {error.strerror}") from error
    return LoadedModel(
        kind=version.kind,
        version_number=version.number,
        estimator=version.estimator,
        predictor=load(artifact, path.suffix, expected_sha256=version.artifact_sha256),
        schema_fingerprint=version.parameters.get("schema_fingerprint", ""),
        parameters=version.parameters,
    )


# Rows


def register(*, kind: str, estimator: str, **fields: Any) -> ModelVersion:
    """A new version with the next number of its kind."""
    for _ in range(NUMBER_ATTEMPTS):
        number = (ModelVersion.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0) + 1
        try:
            with transaction.atomic():
                return ModelVersion.objects.create(kind=kind, number=number, estimator=estimator, **fields)
        except IntegrityError:
            if not ModelVersion.objects.filter(kind=kind, number=number).exists():
                raise
    raise RuntimeError(f"no free number for a {kind} model in {NUMBER_ATTEMPTS} attempts")


def promote(version: ModelVersion) -> None:
    """Make it champion; the champion until now becomes previous. Raises NotPromotable, ArtifactRefused."""
    if not version.artifact:
        raise NotPromotable(f"{version} has no artifact: {version.verdict or version.get_status_display()}")
    load_version(version)
    with transaction.atomic():
        of_kind = _locked(version.kind)
        if of_kind.filter(pk=version.pk, alias=Alias.CHAMPION).exists():
            return
        of_kind.filter(alias=Alias.PREVIOUS).update(alias="")
        of_kind.filter(alias=Alias.CHAMPION).update(alias=Alias.PREVIOUS)
        of_kind.filter(pk=version.pk).update(alias=Alias.CHAMPION, status=Status.PROMOTED)
        transaction.on_commit(lambda: _announce(version.kind))
    version.refresh_from_db()


def rollback(kind: str) -> ModelVersion:
    """The previous champion serves again and the two change places. Raises NotPromotable, ArtifactRefused."""
    with transaction.atomic():
        of_kind = _locked(kind)
        previous = of_kind.filter(alias=Alias.PREVIOUS).first()
        if previous is None:
            raise NotPromotable(f"there is no previous {kind} model to go back to")
        load_version(previous)
        champion = of_kind.filter(alias=Alias.CHAMPION).first()
        of_kind.filter(alias__in=[Alias.CHAMPION, Alias.PREVIOUS]).update(alias="")
        of_kind.filter(pk=previous.pk).update(alias=Alias.CHAMPION)
        if champion is not None:
            of_kind.filter(pk=champion.pk).update(alias=Alias.PREVIOUS)
        transaction.on_commit(lambda: _announce(kind))
    previous.refresh_from_db()
    return previous


def champion_row(kind: str) -> ModelVersion | None:
    return ModelVersion.objects.filter(kind=kind, alias=Alias.CHAMPION).first()


def _locked(kind: str) -> QuerySet[ModelVersion]:
    """Changes of alias wait for each other, also where the kind has no row to lock yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"model-alias:{kind}"])
    return ModelVersion.objects.filter(kind=kind)


# Serving


@dataclass(slots=True)
class _Seat:
    """What this process serves for one kind, and when it last looked."""

    model: LoadedModel | None = None
    marker: bytes | str | None = None
    looked_at: float = float("-inf")
    looked_at_rows: float = float("-inf")
    refused: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_seats: dict[str, _Seat] = {}


def load_champion(kind: str) -> LoadedModel | None:
    """The champion as this process serves it, None when there is none. Looks for a newer one at most once a second.

    Never raises for a server that is away or an artifact that is damaged: the last model loaded stays. One thread looks;
    the others go on with what is loaded. Inside an event loop the look happens on a thread, so nothing there waits for it.
    """
    seat = _seats.setdefault(kind, _Seat())
    if time.monotonic() - seat.looked_at < LOOK_SECONDS or not seat.lock.acquire(blocking=False):
        return seat.model
    seat.looked_at = time.monotonic()
    if _inside_event_loop():
        threading.Thread(target=_look_and_leave, args=(kind, seat), name=f"champion-{kind}", daemon=True).start()
    else:
        try:
            _look(kind, seat)
        finally:
            seat.lock.release()
    return seat.model


def forget_loaded() -> None:
    """Drop what this process has loaded; the next request looks anew."""
    _seats.clear()


def _inside_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _look_and_leave(kind: str, seat: _Seat) -> None:
    try:
        _look(kind, seat)
    finally:
        connection.close()
        seat.lock.release()


def _look(kind: str, seat: _Seat) -> None:
    try:
        marker = _impatient_client(settings.EVENTLOG_REDIS_URL).get(_marker(kind))
    except redis.exceptions.RedisError as error:
        log.warning("model marker unreadable, keeping the loaded model", kind=kind, error=str(error))
        marker = seat.marker
    now = time.monotonic()
    if marker == seat.marker and now - seat.looked_at_rows < LOOK_AT_ROWS_SECONDS:
        return
    try:
        version = champion_row(kind)
    except DatabaseError as error:
        log.warning("model versions unreadable, keeping the loaded model", kind=kind, error=str(error))
        return
    seat.looked_at_rows, seat.marker = now, marker
    _seat_version(seat, version)


def _seat_version(seat: _Seat, version: ModelVersion | None) -> None:
    if version is None:
        seat.model = None
        return
    if seat.model is not None and seat.model.version_number == version.number:
        return
    try:
        seat.model = load_version(version)
        seat.refused = None
    except ArtifactRefused as error:
        if seat.refused != version.number:
            kept = seat.model.version_number if seat.model else None
            log.error("champion refused, keeping the loaded model", kind=version.kind, version=version.number, kept=kept, reason=str(error))
        seat.refused = version.number


@lru_cache(maxsize=2)
def _impatient_client(url: str) -> redis.Redis:
    """No retries and short timeouts: a look happens inside a request and may fail, a wait may not."""
    return redis.Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))


def _marker(kind: str) -> str:
    return f"model:{kind}:marker"


def _announce(kind: str) -> None:
    """Tell every serving process to look. When Redis is away they find the new champion by looking at the rows."""
    if kind in _seats:
        _seats[kind].looked_at = _seats[kind].looked_at_rows = float("-inf")
    try:
        stream.client().incr(_marker(kind))
    except redis.exceptions.RedisError as error:
        log.warning("model marker not raised", kind=kind, error=str(error))
