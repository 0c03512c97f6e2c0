"""Writes around an uploaded file: keep it, make or change the ad it belongs to, and have it processed. The worker's own are in `process`."""

from __future__ import annotations

import hashlib
import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import transaction
from django.utils.text import slugify
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ads import services
from ads.live_inventory import raise_version
from ads.models import Ad, CreativeFile, Flight
from ads.scope import visible_to
from ads.services import Actor, WrongState
from catalog.models import MediaAsset

from .reasons import reason_of

log = structlog.get_logger(__name__)

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv"})
OWN_ID = "intermission"


class TooLarge(ValidationError):
    """The file has more bytes than are taken."""


@dataclass(frozen=True)
class Kept:
    """An original on disk: its own name, what the sender called it, and what is in it."""

    file: str
    name: str
    size: int
    sha256: str


def megabytes(size: float) -> str:
    return f"{size / 1024 / 1024:,.0f} MB"


def too_large(size: int | None = None) -> TooLarge:
    said = f"The file has {megabytes(size)}; " if size else "The file is too large; "
    return TooLarge({"file": f"{said}{megabytes(settings.CREATIVE_MOST_BYTES)} is the most. {reason_of('too_large').remedy}"})


def original_keep(*, file: File[Any], name: str) -> Kept:
    """Write what was sent to the originals, hashed on its way: whole or not at all. Raises TooLarge, ValidationError in words."""
    if (file.size or 0) > settings.CREATIVE_MOST_BYTES:
        raise too_large(file.size)
    folder = Path(settings.ORIGINALS_DIR)
    said = PurePosixPath(name.replace("\\", "/")).name.replace("\0", "").strip() or "upload"
    suffix = PurePosixPath(said).suffix.lower()
    own = f"{uuid.uuid4().hex}{suffix if suffix in SUFFIXES else ''}"
    draft = folder / f".{own}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        size, sha256 = _write(file, draft)
        draft.rename(folder / own)
    except OSError as error:
        raise ValidationError({"file": f"The file could not be stored ({error.strerror}); nothing was kept. Tell who runs the server."}) from error
    finally:
        draft.unlink(missing_ok=True)
    return Kept(file=own, name=said[:200], size=size, sha256=sha256)


def _write(file: File[Any], draft: Path) -> tuple[int, str]:
    size, found = 0, hashlib.sha256()
    with draft.open("xb") as kept:
        for chunk in file.chunks():
            size += len(chunk)
            if size > settings.CREATIVE_MOST_BYTES:
                raise too_large()
            found.update(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    if not size:
        raise ValidationError({"file": f"{reason_of('empty').title}: {reason_of('empty').remedy}"})
    return size, found.hexdigest()


def clip_create(*, actor: Actor, kept: Kept) -> CreativeFile:
    """The rows of an original: a clip that is still missing, and the file it is to be made from. It is queued on commit."""
    stem = slugify(PurePosixPath(kept.name).stem)[:60] or "clip"
    with transaction.atomic():
        asset = MediaAsset.objects.create(
            kind=MediaAsset.Kind.AD,
            key=f"{stem}-{secrets.token_hex(4)}",
            look={"upload": kept.sha256, "file": kept.file, "loudness": settings.CREATIVE_LOUDNESS_LUFS},
        )
        creative = CreativeFile(asset=asset, name=kept.name, size=kept.size, sha256=kept.sha256, uploaded_by=_person(actor))
        creative.file.name = kept.file
        creative.save()
        queue(creative)
    return creative


def _person(actor: Actor) -> Any:
    return actor if getattr(actor, "pk", None) else None


def queue(creative: CreativeFile) -> None:
    """Ask the worker once this is committed. Without a broker it is taken up later, by `process.take_up`."""
    transaction.on_commit(lambda: send(creative.pk), robust=True)


def send(creative: int) -> None:
    from .tasks import process_creative

    try:
        process_creative.apply_async((creative,), retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("creative_not_queued", creative=creative, problem=str(error), action="it is taken up within a minute of the broker's return")


def creative_upload(*, actor: Actor, flight: Flight, file: File[Any], filename: str, name: str, category: str, click_through: str, **more: Any) -> Ad:
    """Keep the file and make an ad of it that waits for its clip. ``more`` are further fields of the ad.

    Raises ValidationError with a sentence for each field, TooLarge.
    """
    ad = Ad(flight=flight, name=name, category=category, click_through=click_through, review=Ad.Review.UPLOADED, **more)
    ad.universal_ad_id = ad.universal_ad_id or new_universal_id()
    # Before a large file is written: what is wrong with the rest is told at once.
    ad.full_clean(exclude=["asset"])
    kept = original_keep(file=file, name=filename)
    with _forgotten_on_failure(kept):
        ad.asset = clip_create(actor=actor, kept=kept).asset
        return services.row_create(actor=actor, row=ad)


@contextmanager
def _forgotten_on_failure(kept: Kept) -> Iterator[None]:
    """One transaction; the file of rows that were never committed is of no use to anybody."""
    try:
        with transaction.atomic():
            yield
    except BaseException:
        (Path(settings.ORIGINALS_DIR) / kept.file).unlink(missing_ok=True)
        raise


def clip_upload(*, actor: Actor, file: File[Any], filename: str) -> CreativeFile:
    """Keep the file and have it processed, for an ad that will be made of it later. Raises ValidationError, TooLarge."""
    kept = original_keep(file=file, name=filename)
    with _forgotten_on_failure(kept):
        return clip_create(actor=actor, kept=kept)


def creative_replace(*, actor: Actor, ad: Ad, file: File[Any], filename: str) -> Ad:
    """Give the ad another clip: it goes back to the beginning and does not serve until that one is approved. Raises ValidationError, TooLarge."""
    kept = original_keep(file=file, name=filename)
    with _forgotten_on_failure(kept):
        locked = Ad.objects.select_for_update(no_key=True).get(pk=ad.pk)
        locked.asset = clip_create(actor=actor, kept=kept).asset
        begin_again(locked)
        services.audit(locked, actor, f"New file: {kept.name}"[:100])
        locked.save()
        raise_version()
    ad.refresh_from_db()
    return ad


def begin_again(ad: Ad) -> None:
    """Whoever decided, decided on another clip; the caller saves it."""
    ad.review, ad.review_note, ad.reviewed_by, ad.reviewed_at = Ad.Review.UPLOADED, "", None, None


@transaction.atomic
def creative_retry(*, actor: Actor, creative: CreativeFile) -> CreativeFile:
    """Process a refused file once more, from its first attempt. Raises WrongState when it was not refused."""
    again = CreativeFile.objects.filter(pk=creative.pk, state=CreativeFile.State.REFUSED).update(
        state=CreativeFile.State.UPLOADED, stage="", progress=0, reason="", problem="", attempts=0, heard_at=None, started_at=None, finished_at=None
    )
    creative.refresh_from_db()
    if not again:
        raise WrongState(f"{creative.name} is {creative.get_state_display().lower()}; only a refused file is tried again.")
    MediaAsset.objects.filter(pk=creative.asset_id, path="").update(state=MediaAsset.State.MISSING, problem="")
    for ad in Ad.objects.select_for_update(no_key=True).filter(asset=creative.asset_id, review=Ad.Review.REJECTED):
        begin_again(ad)
        services.audit(ad, actor, "Tried again")
        ad.save()
    queue(creative)
    return creative


def new_universal_id() -> str:
    """An id for an ad that nobody gave one: unique, and told as our own (VAST's registry "unknown")."""
    return f"{OWN_ID}/{uuid.uuid4().hex[:16]}"


def others_like(sha256: str, *, actor: Actor, but: int | None = None) -> Iterator[str]:
    """Where the same file is used already, in words, as far as the actor may see it."""
    ads = Ad.objects.filter(asset__creative_file__sha256=sha256).exclude(asset__creative_file=but or 0)
    for ad in visible_to(actor, ads.select_related("flight__campaign")).order_by("pk")[:5]:
        yield f"{ad.name} in {ad.flight} ({ad.get_review_display().lower()})"
