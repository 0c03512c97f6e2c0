"""What becomes of an uploaded file: looked at, packaged, put before a reviewer, or refused with a reason. Safe to run twice and to kill.

A worker claims a file by a conditional update that raises its ``attempts``; every later write of it asks for that same number, so one that
was thought dead and was not finds the file taken and stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from ads import services
from ads.live_inventory import raise_version
from ads.models import Ad, CreativeFile
from catalog import services as catalogue
from catalog.media import integrity
from catalog.media.building import build_clip
from catalog.media.packaged import Packaged
from catalog.media.packaging import PackagingError
from catalog.media.plans import clip_recipe
from catalog.media.probe import Facts, Unfit, header, measured_picture, measured_sound
from catalog.media.recipe import UploadRecipe
from catalog.media.uploads import original, packaged_loudness
from catalog.models import MediaAsset

from . import checks
from .reasons import reason_of

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 3
# A worker speaks at least every few seconds while it works; after so long it is thought dead.
SILENT_AFTER = timedelta(seconds=90)
# A file nobody took: its message may be lost with the broker, or wait behind others.
UNTAKEN_AFTER = timedelta(seconds=45)
SPEAK_SECONDS = 1.0
# Where each part of the work begins, as a share of the whole.
LOOKING, LISTENING, PACKAGING, CHECKING = 0.02, 0.30, 0.38, 0.95


class Lost(RuntimeError):
    """Another worker has taken this file; what was begun here is of no use."""


class Work:
    """One claimed attempt at a file: how far it is, told to the tables at most once a second."""

    def __init__(self, creative: CreativeFile) -> None:
        self.creative, self.attempt, self._spoke = creative, creative.attempts, 0.0

    def mine(self) -> Any:
        return CreativeFile.objects.filter(pk=self.creative.pk, attempts=self.attempt, state=CreativeFile.State.PROCESSING)

    def say(self, stage: str, progress: float, **more: Any) -> None:
        """Raises Lost."""
        self._spoke = time.monotonic()
        if not self.mine().update(stage=stage, progress=min(1.0, max(0.0, progress)), heard_at=timezone.now(), **more):
            raise Lost(f"creative {self.creative.pk} was taken by another worker")

    def part(self, stage: str, begin: float, end: float, seconds: float | None) -> Callable[[float], None]:
        """A listener for seconds of media done, of ``seconds`` in all."""

        def told(done: float) -> None:
            if time.monotonic() - self._spoke >= SPEAK_SECONDS:
                self.say(stage, begin + (end - begin) * min(1.0, done / seconds) if seconds else begin)

        self.say(stage, begin)
        return told


def process(creative_id: int) -> str:
    """Work on one file to its end. What came of it: ready, refused, or why nothing was done."""
    creative = claim(creative_id, now=timezone.now())
    if creative is None:
        return "taken"
    work = Work(creative)
    try:
        return _worked(work)
    except Unfit as unfit:
        refuse(work, unfit.code, str(unfit), unfit.facts)
        return "refused"
    except PackagingError as error:
        refuse(work, "not_packaged", f"{str(error)[:1].upper()}{str(error)[1:]}.")
        return "refused"
    except Lost:
        log.warning("creative_lost", creative=creative_id, attempt=work.attempt)
        return "lost"


def claim(creative_id: int, *, now: datetime) -> CreativeFile | None:
    """Take a file that nobody works on, None when there is nothing to take."""
    free = Q(state=CreativeFile.State.UPLOADED) | Q(state=CreativeFile.State.PROCESSING, heard_at__lt=now - SILENT_AFTER)
    with transaction.atomic():
        taken = CreativeFile.objects.filter(free, pk=creative_id, attempts__lt=MOST_ATTEMPTS).update(
            state=CreativeFile.State.PROCESSING, attempts=F("attempts") + 1, stage="Opening", progress=0, started_at=now, heard_at=now,
            reason="", problem="",
        )  # fmt: skip
        if not taken:
            return None
        creative = CreativeFile.objects.select_related("asset").get(pk=creative_id)
        catalogue.asset_mark_building(asset=creative.asset)
        _move_ads(creative, {Ad.Review.UPLOADED}, Ad.Review.PROCESSING, "Being processed")
    return creative


def _worked(work: Work) -> str:
    recipe = clip_recipe(work.creative.asset)
    if not isinstance(recipe, UploadRecipe):
        raise Unfit("original_gone", "Its clip does not say which file it was made from.")
    facts = _looked_at(work, recipe)
    told = work.part("Packaging", PACKAGING, CHECKING, facts.duration)
    packaged = build_clip(recipe, integrity.media_root(), told, facts)
    work.say("Checking the clip", CHECKING)
    after = packaged_loudness(integrity.media_root() / packaged.path)
    _ready(work, packaged, facts.as_json() | {"loudness_after_lufs": after["loudness_lufs"], "true_peak_after_dbtp": after["true_peak_dbtp"]})
    return "ready"


def _looked_at(work: Work, recipe: UploadRecipe) -> Facts:
    """The file's facts, once it has passed every check. Raises Unfit."""
    longest = settings.CREATIVE_LONGEST_SECONDS
    try:
        path = original(recipe)
    except PackagingError as error:
        raise Unfit("original_gone", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    facts = header(path)
    work.say("Looking at the picture", LOOKING, facts=facts.as_json())
    checks.refuse_header(facts, longest_seconds=longest)
    length = facts.duration or longest
    facts = measured_picture(path, facts, most_seconds=longest, told=work.part("Looking at the picture", LOOKING, LISTENING, length))
    facts = measured_sound(path, facts, most_seconds=longest, told=work.part("Listening", LISTENING, PACKAGING, length))
    work.say("Listening", PACKAGING, facts=facts.as_json())
    checks.refuse_played(facts, longest_seconds=longest)
    return facts


@transaction.atomic
def _ready(work: Work, packaged: Packaged, facts: dict[str, Any]) -> None:
    """The clip plays and its ads wait for a reviewer. Raises Lost."""
    now = timezone.now()
    if not work.mine().update(state=CreativeFile.State.READY, stage="", progress=1, facts=facts, heard_at=now, finished_at=now):
        raise Lost(f"creative {work.creative.pk} was taken by another worker")
    catalogue.asset_mark_ready(asset=MediaAsset.objects.select_for_update(no_key=True).get(pk=work.creative.asset_id), packaged=packaged)


@transaction.atomic
def refuse(work: Work, code: str, problem: str, facts: Facts | None = None) -> bool:
    """End an attempt with a named reason; the original stays. False when another worker has the file."""
    found: dict[str, Any] = {"facts": facts.as_json()} if facts is not None else {}
    ended = work.mine().update(state=CreativeFile.State.REFUSED, reason=code, problem=problem[:300], stage="", finished_at=timezone.now(), **found)
    if not ended:
        return False
    catalogue.asset_mark_failed(asset=work.creative.asset, problem=problem)
    said = f"{reason_of(code).title}. {problem}"[:300]
    _move_ads(work.creative, {Ad.Review.UPLOADED, Ad.Review.PROCESSING}, Ad.Review.REJECTED, f"Refused: {reason_of(code).title}", note=said)
    raise_version()
    log.info("creative_refused", creative=work.creative.pk, reason=code, problem=problem)
    return True


def _move_ads(creative: CreativeFile, before: set[Ad.Review], to: Ad.Review, why: str, *, note: str = "") -> None:
    """Every ad of this clip that is in one of these states, each with its line of history in the system's own name."""
    for ad in Ad.objects.select_for_update(no_key=True).filter(asset=creative.asset_id, review__in=before).order_by("pk"):
        ad.review = to
        if note:
            ad.review_note, ad.reviewed_by, ad.reviewed_at = note, None, timezone.now()
        services.audit(ad, None, why[:100])
        ad.save(update_fields=["review", "review_note", "reviewed_by", "reviewed_at"])


def take_up(*, now: datetime, send: Callable[[int], None]) -> int:
    """Files that nobody works on are sent to the workers once more, those tried too often are refused. How many were found."""
    silent = Q(state=CreativeFile.State.PROCESSING, heard_at__lt=now - SILENT_AFTER)
    untaken = Q(state=CreativeFile.State.UPLOADED, uploaded_at__lt=now - UNTAKEN_AFTER)
    found = list(CreativeFile.objects.filter(silent | untaken).select_related("asset").order_by("uploaded_at"))
    for creative in found:
        if creative.attempts >= MOST_ATTEMPTS:
            refuse(Work(creative), "worker_lost", f"It was begun {creative.attempts} times and never finished.")
        else:
            send(creative.pk)
    return len(found)
