"""The sentences of the page on experiments. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adplatform.experiments.assignment import Arm
from adplatform.experiments.metrics import Metric
from adplatform.experiments.srm import ALPHA as SIZES_ALPHA
from adplatform.experiments.tasks import EVERY
from adplatform.experiments.verdicts import BETTER, BREACH, MISMATCH, NOT_YET, SAME, WORSE
from adplatform.models import Experiment, ExperimentReading

LABELS = {
    BETTER: "better", WORSE: "worse", SAME: "no difference", NOT_YET: "not yet", MISMATCH: "cannot be read", BREACH: "breaks a guardrail",
    "not_read": "not read",
}  # fmt: skip
UNDECIDED = "ended undecided"
# As the services write them into the audit log.
MOVES = {"draft -> running": "started it", "running -> stopped": "stopped it", "no arm for anybody": "took the roll-out back"}
LONGEST_DAYS = 365
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Sessions of one arm and the control: ``sessions`` so far, ``a_day`` as of late."""

    sessions: int
    a_day: float

    def until(self, times: float) -> timedelta | None:
        """How much longer until there are ``times`` as many sessions; None where none come, or for longer than anybody waits."""
        if self.a_day <= 0:
            return None
        days = self.sessions * (times - 1) / self.a_day
        return timedelta(days=days) if days <= LONGEST_DAYS else None


def label(verdict: str, *, running: bool) -> str:
    return UNDECIDED if verdict == NOT_YET and not running else LABELS.get(verdict, verdict)


def waits(row: ExperimentReading, metric: Metric | None, experiment: Experiment, pace: Pace | None, now: datetime) -> str:
    """How much longer a running experiment takes to say more, where it does not say enough yet."""
    if row.verdict != NOT_YET or experiment.state != Experiment.State.RUNNING or experiment.started_at is None:
        return ""
    if metric is not None and metric.settles and now < experiment.started_at + metric.settles:
        first = moment(experiment.started_at + metric.settles)
        return f"Asked of each unit {duration(metric.settles)} after its exposure: the first are counted from {first}."
    enough, clear_after = row.figures.get("enough"), row.figures.get("clear_after")
    if pace is None or pace.a_day <= 0:
        return "No session came of late, so it takes for ever at this rate." if pace is not None else ""
    at_rate = f"at this rate ({pace.a_day:,.0f} sessions a day)"
    if enough is not None and enough < 1:
        longer = pace.until(1 / enough) if enough > 0 else None
        return f"Enough for an interval in about {duration(longer)} {at_rate}." if longer is not None else ""
    if clear_after is None:
        return ""
    longer = pace.until(clear_after / max(pace.sessions, 1))
    return f"About {duration(longer)} more {at_rate}, if the difference stays." if longer is not None else f"More than a year {at_rate}."


def looks(experiment: Experiment, last: datetime | None, now: datetime) -> str:
    """When the next look comes, where that is worth a sentence."""
    if experiment.state != Experiment.State.RUNNING or experiment.started_at is None:
        return ""
    minutes = f"{EVERY / timedelta(minutes=1):.0f} minutes"
    due = (last or experiment.started_at) + EVERY
    # A look takes its time, and one more may be left out while a worker starts.
    if now > due + EVERY:
        said = f"The last look is from {moment(last)}" if last else f"The first look was due at {moment(due)} and has not come"
        return f"{said}; one is due every {minutes}. See whether Celery's worker and beat run."
    return "" if last else f"No look yet: the first one comes by {moment(due)}, then one every {minutes}."


def sizes(row: ExperimentReading | None) -> str:
    if row is None:
        return ""
    p = row.figures.get("p")
    return row.words if p is None else f"{row.words} p = {figure(p)} over all looks together; below {SIZES_ALPHA:g} is an alarm."


def guard(title: str, worst: float, change: float | None, best: float | None) -> str:
    """``change`` and ``best`` towards the better side."""
    allowed = f"at most {percent(worst)} worse is allowed"
    if change is None or best is None:
        return f"{title}: {allowed}; not enough evidence yet."
    broken = "that breaks it" if best < -worst else f"{percent(best + worst, 'points')} from being broken"
    return f"{title}: {side(change)} now, {side(best)} at best; {allowed}, {broken}."


def consequences(experiment: Experiment, arms: Sequence[Arm], units: int | None, verdicts: Mapping[str, str]) -> dict[str, str]:
    """What each button does, in figures: ``stop``, ``start``, ``take_back`` and ``roll_out:ARM``."""
    measured = "Nothing was measured yet." if units is None else f"It measured {units:,} units."
    said = "".join(f" {arm}: {words}." for arm, words in verdicts.items())
    drawn = sum(arm.share for arm in arms)
    told = {
        "start": f"{', '.join(f'{percent(arm.share)} of all units get {arm.name}' for arm in arms)}; {percent(max(0.0, 1 - drawn))} stay outside. "
        "From then on arms, metrics and guardrails cannot be changed.",
        "stop": f"Within seconds nobody gets {' or '.join(arm.name for arm in arms)} any more; until now {percent(drawn)} of all units do. "
        f"{measured}{said} Its figures stay; it cannot be started again.",
        "take_back": f"Nobody gets {experiment.rolled_out} any more; until now everybody does.",
    }
    for arm in arms:
        now = f"until now {percent(arm.share)} do" if experiment.state == Experiment.State.RUNNING else "until now nobody does"
        if experiment.rolled_out:
            now = f"until now everybody gets {experiment.rolled_out}"
        ends = " The experiment ends." if experiment.state == Experiment.State.RUNNING else ""
        told[f"roll_out:{arm.name}"] = f"Everybody gets {arm.name} from now on; {now}.{ends} {measured}{said} It can be taken back here."
    return told


def moved(words: str) -> str:
    if words.startswith("running -> stopped by itself: "):
        return f"stopped by itself: {words.partition(': ')[2]}"
    return MOVES.get(words, words)


def side(change: float) -> str:
    return f"{percent(abs(change))} {'better' if change >= 0 else 'worse'}"


def percent(share: float, unit: str = "%") -> str:
    return f"{share * 100:.1f} {unit}".replace(".0 ", " ")


def figure(value: float) -> str:
    return f"{value:.2g}" if value < 1 else "1"


def moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%d %b %H:%M} UTC"


def duration(span: timedelta) -> str:
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (timedelta(minutes=1), "minute")):
        count = round(span / unit)
        if count > 1 or (count == 1 and span >= unit) or name == "minute":
            return f"{max(count, 1)} {name}{'' if max(count, 1) == 1 else 's'}"
    raise AssertionError
