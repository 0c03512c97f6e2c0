"""The stages of a version as rows: shadow, canary by growing shares of the traffic, champion, and every way back.

Each move names the row as it was seen. Whoever comes second finds it moved and changes nothing; the lock of the kind puts moves
in one order, and a unique constraint holds each alias to one version whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, transaction

from adplatform.audit import system_actor
from adplatform.models import ModelVersion

from . import gates, rollout, seats, versions
from .artifacts import load_version
from .predictor import ArtifactRefused
from .rollout import Evidence, Judgement, Rules
from .versions import NotPromotable, challenger_row, champion_row

log = structlog.get_logger(__name__)

# Serving processes look at the marker every second; those that missed it look at the rows within half a minute.
SETTLE = timedelta(seconds=30)
Alias, Status = ModelVersion.Alias, ModelVersion.Status
Load = Callable[[ModelVersion, datetime, datetime], Evidence]


@dataclass(frozen=True)
class Source:
    """Where the evidence of a kind comes from: ``load(version, since, until)``. Kinds of the same ``traffic`` take turns in their
    canaries, for the log names one arm for each decision."""

    kind: str
    load: Load
    traffic: str


_sources: dict[str, Source] = {}


def register_source(source: Source) -> None:
    """A room registers what it sees of its kind, in ``AppConfig.ready``. Kinds without are promoted by their gates alone."""
    _sources[source.kind] = source


def source_for(kind: str) -> Source | None:
    return _sources.get(kind)


def rules() -> Rules:
    """From the settings. Raises ValueError."""
    return Rules(
        shadow_rows=settings.ROLLOUT_SHADOW_SCORES,
        shadow_hours=settings.ROLLOUT_SHADOW_HOURS,
        steps=tuple(settings.ROLLOUT_STEPS),
        step_hours=settings.ROLLOUT_STEP_HOURS,
        step_rows=settings.ROLLOUT_STEP_IMPRESSIONS,
    )


# Into the stages


def admit(version: ModelVersion, *, bootstrap: bool, now: datetime) -> None:
    """A version whose gates passed: champion at once where nobody proven serves (a first or a bootstrap version, or a kind without
    evidence of its own), else into shadow, or in line behind the challenger there is. The same model as the champion or the challenger
    is refused: promoted, it would push out the version that a rollback goes back to.

    Raises NotPromotable, ArtifactRefused.
    """
    with transaction.atomic():
        versions.locked(version.kind)
        champion = champion_row(version.kind)
        if (same := _same_model(version)) is not None:
            words = f"Every gate passed, but it is the same model as {same} ({same.get_alias_display().lower()}), byte for byte: nothing to promote."
            ModelVersion.objects.filter(pk=version.pk).update(status=Status.REFUSED, verdict=words)
            version.refresh_from_db()
            return
        unproven = champion is None or bool(champion.parameters.get("bootstrap"))
        if bootstrap or unproven or source_for(version.kind) is None:
            versions.promote(version)
        elif (challenger := challenger_row(version.kind)) is None:
            shadow(version, now=now)
        else:
            words = f"Every gate passed. It waits in line behind {challenger}, which is under test ({challenger.get_status_display().lower()})."
            ModelVersion.objects.filter(pk=version.pk).update(status=Status.SHADOW, stage_since=now, verdict=words)
    version.refresh_from_db()


def shadow(version: ModelVersion, *, now: datetime) -> None:
    """Let it score what others decide. Raises NotPromotable, ArtifactRefused."""
    _challenge(version, Status.SHADOW, 0.0, "In shadow: it scores what others decide, and decides nothing.", now)


def canary(version: ModelVersion, share: float, *, now: datetime) -> None:
    """Let it decide for a share of the viewers, 0-1. Raises NotPromotable, ArtifactRefused."""
    if not 0 < share < 1:
        raise NotPromotable(f"a canary takes a share between 0 and 1 of the traffic, not {share:g}")
    with transaction.atomic():
        versions.locked(version.kind)
        if other := _other_canary(version.kind):
            raise NotPromotable(f"{other} is in canary on the same traffic; wait until it is decided, or stop it")
        _challenge(version, Status.CANARY, share, f"Canary with {share:.0%} of the traffic.", now)


def stop(kind: str, reason: str, *, now: datetime) -> ModelVersion:
    """Take the challenger out of the rollout; it stays as refused with the reason and what its gates said. Raises NotPromotable."""
    with transaction.atomic():
        versions.locked(kind)
        challenger = challenger_row(kind)
        if challenger is None:
            raise NotPromotable(f"no {kind} model is in shadow or canary")
        _move(challenger, Status.REFUSED, 0.0, now, alias="", verdict=f"{reason} {gates.told(challenger.gates)}".strip())
    return challenger


def _challenge(version: ModelVersion, status: str, share: float, verdict: str, now: datetime) -> None:
    versions.check_servable(version)
    if source_for(version.kind) is None:
        raise NotPromotable(f"{version.kind} models are promoted by their gates alone: nobody would judge {version} in shadow or canary; promote it")
    with transaction.atomic():
        of_kind = versions.locked(version.kind)
        version.refresh_from_db()
        if version.alias == Alias.PREVIOUS:
            raise NotPromotable(f"{version} is the previous champion, which a rollback goes back to; roll back, or test another version")
        other = of_kind.filter(alias=Alias.CHALLENGER).exclude(pk=version.pk).first()
        if other is not None:
            raise NotPromotable(f"{other} is under test already ({other.get_status_display().lower()}); stop it first")
        if version.alias == Alias.CHAMPION:
            raise NotPromotable(f"{version} is the champion: there is nothing to test it against")
        if champion_row(version.kind) is None:
            raise NotPromotable(f"there is no {version.kind} champion to test it against; promote it")
        _move(version, status, share, now, alias=Alias.CHALLENGER, verdict=verdict)


# On the way


def advance(kind: str, *, now: datetime, by: Rules | None = None) -> str:
    """Judge the challenger of a kind and let what follows happen; returns it in words. Safe from several processes at once."""
    source = source_for(kind)
    if source is None:
        return "no evidence is registered for this kind: its gates alone promote"
    challenger = challenger_row(kind) or _next_in_line(kind, now)
    if challenger is None:
        return "nothing is under test"
    judgement = _judged(challenger, source, now, by or rules())
    return judgement.words if _applied(challenger, judgement, now) else "another process moved it a moment ago"


def advance_all(*, now: datetime) -> dict[str, str]:
    """One kind that cannot be judged does not hold up the others."""
    told = {}
    for kind in sorted(_sources):
        try:
            told[kind] = advance(kind, now=now)
        except Exception as error:
            log.exception("rollout not judged", kind=kind)
            told[kind] = f"not judged: {type(error).__name__}: {error}"
    return told


def _judged(challenger: ModelVersion, source: Source, now: datetime, by: Rules) -> Judgement:
    try:
        load_version(challenger)
    except ArtifactRefused as error:
        words = f"Refused: {error}"
        return Judgement(rollout.REFUSE, 0.0, words, gates.Gate("artifact", gates.FAIL, words))
    since = challenger.stage_since or now
    hours = (now - since).total_seconds() / 3600
    evidence = source.load(challenger, since + SETTLE, now)
    if challenger.status == Status.CANARY:
        return rollout.judge_canary(evidence, challenger.traffic_share, by, hours=hours)
    reference = challenger.card.get("reference") or {}
    return rollout.judge_shadow(evidence.shadow or rollout.NO_ROWS, reference, by, hours=hours)


@transaction.atomic
def _applied(challenger: ModelVersion, judgement: Judgement, now: datetime) -> bool:
    """False when the row is no longer what was judged."""
    versions.locked(challenger.kind)
    told = [gate for gate in challenger.gates if gate["name"] != judgement.gate.name] + [judgement.gate.as_json()]
    if judgement.move == rollout.START and (other := _other_canary(challenger.kind)):
        return bool(_as_seen(challenger).update(verdict=f"{judgement.words}. It waits for {other}, in canary on the same traffic.", gates=told))
    if judgement.move == rollout.WAIT:
        return bool(_as_seen(challenger).update(verdict=judgement.words, gates=told))
    if judgement.move == rollout.REFUSE:
        moved = _move(challenger, Status.REFUSED, 0.0, now, alias="", verdict=f"{judgement.words}.", gates=told)
    elif judgement.move == rollout.PROMOTE:
        moved = bool(_as_seen(challenger).update(verdict=f"Promoted: {judgement.words}.", gates=told))
        if moved:
            versions.promote(challenger)
    else:
        words = f"Canary with {judgement.share:.0%} of the traffic: {judgement.words}."
        moved = _move(challenger, Status.CANARY, judgement.share, now, verdict=words, gates=told)
    if moved:
        log.info("rollout moved", kind=challenger.kind, version=challenger.number, move=judgement.move, share=judgement.share, words=judgement.words)
        LogEntry.objects.log_actions(system_actor().pk, [challenger], CHANGE, change_message=challenger.verdict, single_object=True)
    return moved


def _next_in_line(kind: str, now: datetime) -> ModelVersion | None:
    """The newest version that waits; those before it are overtaken, and one that was judged against another champion is out of date."""
    with transaction.atomic():
        of_kind = versions.locked(kind)
        line = list(of_kind.filter(alias="", status=Status.SHADOW).order_by("-number"))
        champion = champion_row(kind)
        for version in line:
            reason = _overtaken(version, line[0], champion)
            if reason is not None:
                of_kind.filter(pk=version.pk).update(status=Status.REFUSED, stage_since=now, verdict=f"Refused: {reason}.")
                continue
            try:
                shadow(version, now=now)
            except (NotPromotable, ArtifactRefused) as error:
                of_kind.filter(pk=version.pk).update(status=Status.REFUSED, stage_since=now, verdict=f"Refused: {error}")
    return challenger_row(kind)


def _overtaken(version: ModelVersion, newest: ModelVersion, champion: ModelVersion | None) -> str | None:
    if version.pk != newest.pk:
        return f"{newest} passed the gates later and goes first"
    since = champion.stage_since if champion is not None else None
    if champion is not None and since is not None and version.stage_since is not None and since > version.stage_since:
        return f"it was judged before {champion} became champion; the next training is judged against that"
    return None


def _same_model(version: ModelVersion) -> ModelVersion | None:
    """The champion or challenger that answers the same to every row."""
    alike = ModelVersion.objects.filter(kind=version.kind, artifact_sha256=version.artifact_sha256, feature_schema=version.feature_schema)
    return alike.filter(alias__in=[Alias.CHAMPION, Alias.CHALLENGER]).exclude(pk=version.pk).first()


def _other_canary(kind: str) -> ModelVersion | None:
    """A canary of another kind on the same traffic. Kinds that share it wait for each other, inside a transaction and after their own
    lock."""
    source = source_for(kind)
    if source is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"model-traffic:{source.traffic}"])
    kinds = [other.kind for other in _sources.values() if other.traffic == source.traffic and other.kind != kind]
    return ModelVersion.objects.filter(kind__in=kinds, alias=Alias.CHALLENGER, status=Status.CANARY).first()


def _as_seen(version: ModelVersion) -> Any:
    return ModelVersion.objects.filter(
        pk=version.pk, alias=version.alias, status=version.status, traffic_share=version.traffic_share, stage_since=version.stage_since
    )


def _move(version: ModelVersion, status: str, share: float, now: datetime, **fields: Any) -> bool:
    moved = _as_seen(version).update(status=status, traffic_share=share, stage_since=now, **fields)
    if moved:
        transaction.on_commit(lambda: seats.announce(version.kind))
        version.refresh_from_db()
    return bool(moved)
