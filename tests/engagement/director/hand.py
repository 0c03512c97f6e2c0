"""A boundary made by hand: prices, what attention each option is expected to get, and who watches."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st

from adplatform.learning.metrics import Floats
from ads.breakvalue import Value
from engagement.director.deciding import Attend, Moment, Watching
from engagement.director.features import SceneContext, SessionSignals
from engagement.director.lots import Lot
from engagement.director.options import Option
from engagement.director.policy import Rules
from engagement.director.worth import Prices
from engagement.models import DirectorAction
from engagement.playback.plan import DecideBreak, Plan, fill_break, next_step, publish_scene

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
SESSION = uuid.UUID("0193482a-5a00-7000-8000-000000000001")
AROUND = SceneContext(scenes=1, position=1, mood="", intensity=0.5, device="tv", hour=20)
RULES = Rules(exploration=0.0, quantile=0.01, least_trials=50, salt="salt", currency=" USD")
ENOUGH = dict.fromkeys(DirectorAction.values, 100)


def prices(*, micros: float = 10_000, seconds: float = 20, minute: float = 2_000, staying: float = 0.9) -> Prices:
    return Prices(dict.fromkeys(("pre", "mid", "post"), Value(micros, seconds, 100)), minute, staying)


@dataclass(frozen=True)
class Valued:
    mean: Floats
    bags: Floats
    version: int = 7
    trials: Mapping[str, int] = field(default_factory=lambda: ENOUGH)


def attends(expected: Callable[[Option], float], *, unsure: float = 0.0, trials: Mapping[str, int] | None = None) -> Attend:
    """Each option gets this attention; the bags lie evenly up to ``unsure`` around it, and differ between options."""

    def attention(seen: Lot, options: Sequence[Option]) -> Valued:
        mean = np.array([expected(one) for one in options])
        apart = np.where(np.arange(len(options))[:, None] == 0, 0.0, np.linspace(-unsure, unsure, 21)[None, :])
        return Valued(mean, mean[:, None] + apart, trials=ENOUGH if trials is None else trials)

    return attention


def nobody(seen: Lot, options: Sequence[Option]) -> None:
    """No model serves."""


def moment(plan: Plan, **changes: Any) -> Moment:
    who = Watching(SESSION, None, 1, {}, AROUND)
    given: dict[str, Any] = {"who": who, "plan": plan, "signals": SessionSignals(), "scene": plan.played[-1], "trigger": "scene_start", "now": NOW}
    return Moment(**(given | changes))


def published(plan: Plan, count: int) -> Plan:
    """So many steps on, with empty breaks."""
    for _ in range(count):
        step = next_step(plan)
        if step is not None:
            plan = fill_break(plan, step.due, (), decision=None) if isinstance(step, DecideBreak) else publish_scene(plan)
    return plan


@st.composite
def models(draw: st.DrawFn) -> Attend:
    """Nobody, or a model that expects anything of anything and has tried some actions often."""
    if draw(st.booleans()):
        return nobody
    seed, unsure = draw(st.integers(0, 2**16)), draw(st.sampled_from([0.0, 0.02, 0.3]))
    trials = {action: draw(st.sampled_from([0, 100])) for action in DirectorAction.values}

    def expected(option: Option) -> float:
        return zlib.crc32(f"{seed} {option.action} {option.scene}".encode()) % 1000 / 1000

    return attends(expected, unsure=unsure, trials=trials)
