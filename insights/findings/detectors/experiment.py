"""What the last look at an experiment says that somebody has to act on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adplatform.experiments.verdicts import BETTER, BREACH, MISMATCH, WORSE
from insights.findings.finding import CRITICAL, NO_SUM, NOTE, WARNING, Action, Finding, Money, between, percent

KIND = "experiment"
REVENUE = "revenue_per_session"
# Of what a guardrail allows; from here on somebody should look before it stops the experiment.
NEAR = 0.5
DAYS = 30


@dataclass(frozen=True, slots=True)
class Look:
    """The last reading of one metric of one arm; ``change`` as a share of the control with its always-valid interval, above 0 is higher.
    ``effect`` in the metric's unit. What is too little evidence has no interval (`experiments.sequences`)."""

    metric: str
    title: str
    arm: str
    verdict: str
    words: str
    higher_is_better: bool
    units: int
    at: datetime
    change: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """``worst`` by metric: the guardrails. ``sessions`` a day are in all of its arms."""

    id: int
    key: str
    state: str
    metric: str
    worst: Mapping[str, float]
    alarm: str
    rolled_out: str
    started_at: datetime
    sessions: float
    looks: Sequence[Look]
    synthetic: float | None = None


def find(trials: Sequence[Trial]) -> list[Finding]:
    return [finding for one in trials for finding in _of(one)]


def _of(trial: Trial) -> list[Finding]:
    """Nothing else may be read of arms that do not have the units they should."""
    if trial.rolled_out:
        return []
    if mismatch := next((look for look in trial.looks if look.verdict == MISMATCH and not look.arm), None):
        return [_stop(trial, mismatch, f"{trial.key}: the arms do not have the viewers their shares promise, so its figures must not be read", "srm")]
    breached = [look for look in trial.looks if look.verdict == BREACH]
    if breached:
        return [
            _stop(trial, look, f"{trial.key}, arm {look.arm}: {look.title.lower()} broke its guardrail", f"breach-{look.arm}-{look.metric}")
            for look in breached
        ]
    return [*(_decided(trial, look) for look in trial.looks if look.metric == trial.metric and look.verdict in (BETTER, WORSE)), *_near(trial)]


def _stop(trial: Trial, look: Look, words: str, what: str) -> Finding:
    is_running = trial.state == "running"
    ended = (
        "Stop it: nothing is learned from it any more." if is_running else "It has stopped by itself. Mend the cause, then start a new experiment."
    )
    return _finding(trial, look, what, words, ended, CRITICAL, Action("experiment_stop", {"experiment": trial.id}) if is_running else None)


def _decided(trial: Trial, look: Look) -> Finding:
    size = ""
    if look.change is not None and look.low is not None and look.high is not None:
        low, high = (look.low, look.high) if look.change > 0 else (-look.high, -look.low)
        size = f" by {percent(abs(look.change))} {between(low, high)}"
    words = f"{trial.key}: arm {look.arm} is {look.verdict} than the control{size} on {look.title.lower()}"
    if look.verdict == BETTER:
        roll_out = Action("experiment_roll_out", {"experiment": trial.id, "arm": look.arm})
        return _finding(trial, look, f"better-{look.arm}", words, f"Give {look.arm} to everybody.", WARNING, roll_out, _worth(trial, look.arm))
    stop = Action("experiment_stop", {"experiment": trial.id}) if trial.state == "running" else None
    return _finding(trial, look, f"worse-{look.arm}", words, "Stop it; the control serves everybody.", WARNING, stop, _worth(trial, look.arm))


def _worth(trial: Trial, arm: str) -> Money:
    """Where the arm's revenue per session is surely another, that over 30 days of as many sessions as now."""
    look = next((one for one in trial.looks if one.metric == REVENUE and one.arm == arm and one.verdict in (BETTER, WORSE)), None)
    if look is None or look.effect is None or not trial.sessions:
        return Money(None, "Whether it earns more or less is not clear yet.")
    return Money(
        round(abs(look.effect) * 1e6 * trial.sessions * DAYS),
        f"{abs(look.effect):.4f} {'more' if look.effect > 0 else 'less'} revenue a session, {trial.sessions:,.0f} sessions a day, {DAYS} days.",
    )


def _near(trial: Trial) -> list[Finding]:
    found = []
    for look in trial.looks:
        worst = trial.worst.get(look.metric)
        if worst is None or look.change is None or look.low is None or look.high is None:
            continue
        bad, sure = (-look.change, -look.high) if look.higher_is_better else (look.change, look.low)
        if sure > 0 and bad >= NEAR * worst:
            words = f"{trial.key}, arm {look.arm}: {look.title.lower()} is {percent(bad)} worse, at most {percent(worst)} is allowed"
            recommend = "Watch it; it stops by itself once even the best it can be is beyond what is allowed."
            found.append(_finding(trial, look, f"near-{look.arm}-{look.metric}", words, recommend, NOTE))
    return found


def _finding(
    trial: Trial, look: Look, what: str, words: str, recommend: str, severity: int, action: Action | None = None, money: Money = NO_SUM
) -> Finding:
    return Finding(
        kind=KIND,
        key=f"{KIND}:{trial.key}-{what}"[:160],
        subject=trial.key,
        words=words,
        detail=f"{look.words.rstrip('.')}. {look.units:,} units, looked at {look.at:%d %b %H:%M} UTC; the interval holds at every look."
        + (f" {trial.alarm}" if trial.alarm and trial.alarm not in look.words else ""),
        recommend=recommend,
        severity=severity,
        since=trial.started_at,
        until=look.at,
        link=f"/live/experiments/{trial.key}/",
        rows=f"adplatform_experiment/{trial.id}",
        money=money,
        action=action,
        evidence={"change": look.change, "low": look.low, "high": look.high, "units": look.units, "metric": look.metric, "arm": look.arm},
        synthetic=trial.synthetic,
    )
