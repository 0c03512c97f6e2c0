"""Whether as much happens as is predicted, overall and in every group: bids and prices rest on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..curves import GroupRatio
from ..metrics import Metric
from .gate import FAIL, NOT_ENOUGH, PASS, Gate

CALIBRATION = (0.95, 1.05)
WIDEST_HALF_WIDTH = 0.10
# A group may be further off than the whole: it is a part that the whole makes up for, and it is learned from fewer rows.
GROUP_CALIBRATION = (0.8, 1.25)
GROUP_POSITIVES = 50
NAMED_GROUPS = 3


def calibration(metric: Metric) -> Gate:
    """Mean prediction over observed rate within 0.95 to 1.05, judged by its interval."""
    low_bound, high_bound = CALIBRATION
    value, low, high = metric.value, metric.ci_low, metric.ci_high
    if value is None or low is None or high is None:
        return Gate("calibration", NOT_ENOUGH, "no positive outcome among the later rows: not enough evidence", {})
    figures = {"value": value, "ci_low": low, "ci_high": high, "bounds": [low_bound, high_bound]}
    said = f"predicted over observed is {value:.3f} (95 % {low:.3f} to {high:.3f}), wanted is {low_bound} to {high_bound}"
    if high < low_bound or low > high_bound:
        return Gate("calibration", FAIL, f"{said}: it predicts too {'little' if high < low_bound else 'much'}", figures)
    if (high - low) / 2 > WIDEST_HALF_WIDTH:
        return Gate("calibration", NOT_ENOUGH, f"{said}: the interval is too wide to judge", figures)
    return Gate("calibration", PASS, said, figures)


def calibration_of_groups(groups: Mapping[str, Sequence[GroupRatio]], opponent: Mapping[str, Sequence[GroupRatio]] | None = None) -> Gate:
    """Fails for a group of at least 50 positive outcomes whose whole interval lies outside 0.8 to 1.25. The intervals are wide enough
    to hold for all groups together (Bonferroni). A group in which the ``opponent`` that serves now is further off is told, not
    failed: refusing would keep what is worse."""
    low_bound, high_bound = GROUP_CALIBRATION
    known = [(kind, one) for kind, members in groups.items() for one in members if one.positives >= GROUP_POSITIVES]
    figures = {"groups": sum(map(len, groups.values())), "judged": len(known), "bounds": [low_bound, high_bound]}
    if not known:
        return Gate("calibration by group", NOT_ENOUGH, f"no group has {GROUP_POSITIVES} positive outcomes yet: not enough evidence", figures)
    serving = {(kind, one.name): one for kind, members in (opponent or {}).items() for one in members}
    off = [(kind, one) for kind, one in known if one.sure_low > high_bound or one.sure_high < low_bound]
    worse = [(kind, one) for kind, one in off if (kind, one.name) not in serving or one.off > serving[kind, one.name].off]
    figures["off"] = [f"{kind}: {one.name}" for kind, one in off]
    counted = "1 group" if len(known) == 1 else f"{len(known)} groups"
    said = f"{counted} with {GROUP_POSITIVES} positive outcomes or more, wanted is {low_bound} to {high_bound} in each"
    if worse:
        return Gate("calibration by group", FAIL, f"{said}; {_named(worse)}", figures)
    told = f"; {_named(off)}, but what serves now is further off there" if off else ""
    return Gate("calibration by group", PASS, f"{said}{told}", figures)


def _named(groups: Sequence[tuple[str, GroupRatio]]) -> str:
    worst = sorted(groups, key=lambda pair: -pair[1].off)
    words = [
        f"{kind} {one.name} gets {one.ratio:.2f} times what happens ({one.sure_low:.2f} to {one.sure_high:.2f})" for kind, one in worst[:NAMED_GROUPS]
    ]
    rest = f" and {len(worst) - NAMED_GROUPS} more" if len(worst) > NAMED_GROUPS else ""
    return ", ".join(words) + rest


def unbiased(metric: Metric, spread: float) -> Gate:
    """A regression's mean error, in standard deviations of the label: the counterpart of the calibration ratio."""
    if metric.value is None or metric.ci_low is None or metric.ci_high is None or spread <= 0:
        return Gate("calibration", NOT_ENOUGH, "the labels do not vary: not enough evidence", {})
    bound = 0.1 * spread
    figures = {"value": metric.value, "ci_low": metric.ci_low, "ci_high": metric.ci_high, "bounds": [-bound, bound]}
    said = f"mean error is {metric.value:+.4f} (95 % {metric.ci_low:+.4f} to {metric.ci_high:+.4f}), wanted is within {bound:.4f}"
    if metric.ci_low > bound or metric.ci_high < -bound:
        return Gate("calibration", FAIL, said, figures)
    if (metric.ci_high - metric.ci_low) / 2 > bound:
        return Gate("calibration", NOT_ENOUGH, f"{said}: the interval is too wide to judge", figures)
    return Gate("calibration", PASS, said, figures)
