"""Which arm someone is in: a hash of experiment and unit, so that it sticks without being stored. Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adplatform.eventlog import ids
from adplatform.eventlog.envelope import Event

EXPOSURE = "experiment.exposure"
ROUNDING = 1e-9


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``share`` is the fraction 0-1 of all units that this arm takes."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    """``rolled_out`` names the arm that everybody gets since the experiment ended; empty while it runs."""

    key: str
    arms: tuple[Arm, ...]
    rolled_out: str = ""
    split_budgets: bool = False


def parse_arms(raw: Any) -> tuple[Arm, ...]:
    """The arms of an experiment, control first. Raises ValueError that says what is wrong.

    Shares may add up to less than 1: the rest of the units stay outside the experiment.
    """
    try:
        arms = msgspec.convert(raw, tuple[Arm, ...])
    except msgspec.ValidationError as error:
        raise ValueError(f'arms must be [{{"name": ..., "share": 0-1}}]: {error}') from error
    if len(arms) < 2:
        raise ValueError("an experiment needs a control and at least one other arm")
    if len({arm.name for arm in arms}) < len(arms) or not all(0 < len(arm.name) <= 40 for arm in arms):
        raise ValueError("each arm needs a name of its own of 1 to 40 characters")
    if not all(arm.name.isprintable() for arm in arms):
        raise ValueError("the name of an arm must be plain text, without characters that cannot be shown")
    if not all(0 < arm.share <= 1 for arm in arms) or sum(arm.share for arm in arms) > 1 + ROUNDING:
        raise ValueError("each share must be above 0 and all of them together at most 1")
    return arms


def unit_of(*, viewer: uuid.UUID | None, session: uuid.UUID, consent: bool) -> uuid.UUID:
    """Whom the hash is about: the viewer, or without consent the playback session alone."""
    return viewer if viewer is not None and consent else session


def point(key: str, unit: uuid.UUID) -> float:
    """Where ``unit`` falls in [0, 1) for the experiment ``key``; independent between experiments."""
    digest = hashlib.sha256(key.encode() + b"\x1f" + unit.bytes).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def arm_of(experiment: RunningExperiment, unit: uuid.UUID) -> str | None:
    """The arm of ``unit``, None when it falls outside every share."""
    if experiment.rolled_out:
        return experiment.rolled_out
    at, edge = point(experiment.key, unit), 0.0
    for arm in experiment.arms:
        edge += arm.share
        if at < edge or edge >= 1 - ROUNDING:
            return arm.name
    return None


def arms_of(experiments: Iterable[RunningExperiment], unit: uuid.UUID) -> dict[str, str]:
    """Experiment key -> arm, of those experiments ``unit`` takes part in."""
    return {experiment.key: arm for experiment in experiments if (arm := arm_of(experiment, unit)) is not None}


def exposure(*, experiment: str, arm: str, session: uuid.UUID, unit: uuid.UUID, now: datetime, synthetic: bool = False) -> Event:
    """The event to append when an arm takes effect for a session; only the first one of a session counts."""
    return Event(
        id=ids.new_id(now), type=EXPOSURE, occurred_at=now, received_at=now, session=session, synthetic=synthetic,
        data={"experiment": experiment, "arm": arm, "unit": str(unit)},
    )  # fmt: skip
