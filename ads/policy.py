"""The ad load policy of each title, as the tables hold it; kept for a short time by each process."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .decision.load import Policy
from .models import AdPolicy

# A change by staff shows within so long, in every process.
KEPT_SECONDS = 2.0
THOUSAND = 1_000


class _Kept:
    def __init__(self) -> None:
        self.read_at = float("-inf")
        self.policies: dict[int | None, Policy] = {}


_kept = _Kept()


def policy_for(title_id: int | None) -> Policy:
    """The title's own policy, else the one for all other titles, else what holds where nobody has set any."""
    return chosen(every_policy(), title_id)


def chosen(policies: Mapping[int | None, Policy], title_id: int | None) -> Policy:
    """`policy_for`, from what `every_policy` told. Pure."""
    return policies.get(title_id) or policies.get(None) or Policy()


def own_policy_of(title_id: int | None) -> Policy | None:
    """The policy that was made for this title, None where it follows the one for all others."""
    return every_policy().get(title_id) if title_id is not None else None


def every_policy() -> Mapping[int | None, Policy]:
    """By title; the one for all others is under None."""
    if time.monotonic() - _kept.read_at > KEPT_SECONDS:
        _kept.policies = {row.title_id: of_row(row) for row in AdPolicy.objects.all()}
        _kept.read_at = time.monotonic()
    return _kept.policies


def of_row(row: AdPolicy) -> Policy:
    return Policy(
        pre_roll=row.pre_roll,
        mid_rolls=row.mid_rolls,
        post_roll=row.post_roll,
        most_breaks=row.most_breaks,
        spacing_seconds=row.spacing_seconds,
        break_seconds=row.break_seconds,
        break_ads=row.break_ads,
        seconds_per_hour=row.seconds_per_hour,
        long_watch_seconds=row.long_watch_seconds,
        ad_free_seconds=row.ad_free_seconds,
        creative_gap_seconds=row.creative_gap_seconds,
        reserve_micros=row.reserve_micros // THOUSAND,
        house_ads=row.house_ads,
    )


def forget() -> None:
    """The next call reads anew: the table has changed in this process, or a test begins."""
    _kept.read_at = float("-inf")
