"""How many ads a playback carries: which breaks of a title take place, and how long each may be. Pure.

The author says where a break may stand, the title's policy how much of it is used. A break that is left out, or made
shorter, gets a reason code of `ads.decision.explanation.REASONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BreakPosition = Literal["pre", "mid", "post"]

HOUR_SECONDS = 3600.0
# No ad is shorter than this: a break with less room could only stay empty.
SHORTEST_BREAK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Policy:
    """A title's ad load. Durations in seconds; ``reserve_micros`` is of one impression, ``most_breaks`` None for no limit.

    The defaults hold where nobody has set a policy; they are those of the table.
    """

    pre_roll: bool = False
    mid_rolls: bool = True
    post_roll: bool = False
    most_breaks: int | None = None
    spacing_seconds: float = 0.0
    break_seconds: float = 30.0
    break_ads: int = 2
    seconds_per_hour: float = 720.0
    long_watch_seconds: float | None = None
    ad_free_seconds: float = 0.0
    creative_gap_seconds: float = 120.0
    reserve_micros: int = 1_000
    house_ads: bool = True


@dataclass(frozen=True, slots=True)
class History:
    """What a viewer has met when a break is due.

    ``film_seconds`` were watched in this playback; ``film_since_break`` lie between the last break that took place and this
    one, None before any did; ``breaks`` took place so far. ``ads`` are (Unix time, seconds) of what the viewer was shown
    lately, in whatever playback is known to be theirs.
    """

    film_seconds: float = 0.0
    film_since_break: float | None = None
    breaks: int = 0
    ads: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Allowance:
    """``seconds`` and ``ads`` this break may have, both 0 when it is left out. ``reason``: why it is, or why it is shorter."""

    seconds: float
    ads: int
    reason: str = ""


def allowance(policy: Policy, history: History, position: BreakPosition, *, now: float) -> Allowance:
    """What a break that is due at ``now`` (Unix seconds) may have.

    Of the ads in ``history`` and in this break together, no hour holds more than ``seconds_per_hour``, as long as every
    break of theirs was asked for here.
    """
    reason = _left_out(policy, history, position)
    if reason:
        return Allowance(0.0, 0, reason)
    left = policy.seconds_per_hour - shown_within_hour(history, now)
    if left < min(SHORTEST_BREAK_SECONDS, policy.break_seconds):
        return Allowance(0.0, 0, "policy_hourly_load")
    if left < policy.break_seconds:
        return Allowance(left, policy.break_ads, "policy_hourly_load")
    return Allowance(policy.break_seconds, policy.break_ads)


def shown_within_hour(history: History, now: float) -> float:
    """Seconds of ads in the hour before ``now``, those still to come included."""
    since = now - HOUR_SECONDS
    return sum([seconds for at, seconds in history.ads if at > since])


def in_ad_free_stretch(policy: Policy, film_seconds: float) -> bool:
    """Whether so much film was watched that the next part of it comes without ads. The stretches return: each long watch
    begins where the last stretch ended."""
    if not policy.long_watch_seconds or policy.ad_free_seconds <= 0:
        return False
    return film_seconds % (policy.long_watch_seconds + policy.ad_free_seconds) >= policy.long_watch_seconds


def _left_out(policy: Policy, history: History, position: BreakPosition) -> str:
    if not (policy.mid_rolls if position == "mid" else policy.pre_roll if position == "pre" else policy.post_roll):
        return f"policy_no_{position}_roll"
    if policy.most_breaks is not None and history.breaks >= policy.most_breaks:
        return "policy_most_breaks"
    if history.film_since_break is not None and history.film_since_break < policy.spacing_seconds:
        return "policy_spacing"
    if in_ad_free_stretch(policy, history.film_seconds):
        return "ad_free_stretch"
    return ""
