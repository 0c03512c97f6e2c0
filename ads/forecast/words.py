"""A forecast in a sentence: what is expected, why it is not the goal, and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ads.decision.caps import effective
from ads.decision.inventory import LIFETIME, STREAM, CapRow
from ads.decision.targeting import REASONS_OF, WITHHELD

# Short of the goal by less than this, and by less than one event, is on target.
TOLERANCE = 0.02
# Fewer logged requests tell too little to warn of anything.
THIN = 50
# What only its own house can do, with nobody asked.
RAISE_PRIORITY = "raise its priority"
NO_TRAFFIC = "No requests are logged yet: its delivery cannot be forecast."
GOALS = {"impressions": "impressions", "completed_views": "completed views", "clicks": "clicks"}
_TOLD = {"maturity": "maturity ratings", "tags": "scene tags", "tiers": "subscription tiers", "dayparts": "hours of the day"}
_KEY_OF = {reason: _TOLD.get(key, key.replace("_", " ")) for key, reasons in REASONS_OF.items() for reason in reasons}
_ADVICE = {
    WITHHELD: "target what more viewers consent to share",
    "caps_uncountable": "let its caps be counted per playback where consent is missing",
    "too_long": "add a shorter ad",
    "below_reserve": "raise the bid",
    "house_not_allowed": "allow house ads on more titles",
}


_COUNTED = {"ad": " of each ad", "flight": "", "campaign": " of the whole campaign", "advertiser": " of all the advertiser's flights"}


@dataclass(frozen=True, slots=True)
class Capping:
    """The cap that leaves a flight the least, the ``share`` it leaves of the breaks that match, those breaks' ``viewers``, how many
    of them each meets a week, and their ``sessions`` without consent; ``uncapped`` is what could be expected without caps."""

    cap: CapRow
    share: float
    viewers: float
    weekly: float
    sessions: float
    uncapped: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of one flight. Amounts are goal events (micros where the goal is spend), ``eligible`` and ``winnable``
    requests until its end; ``by_budget`` is what the budget pays for, None where that is not known; ``hindrance`` is the rule
    that alone keeps most requests away, empty when none does; nine outcomes of ten lie between ``low`` and ``high``, where those are known."""

    goal_type: str
    goal: int | None
    expected: float
    eligible: float
    winnable: float
    by_budget: float | None
    hours: float
    ends: float
    logged: int
    hindrance: str
    capping: Capping | None = None
    low: float | None = None
    high: float | None = None


def warning(of: Prospect, currency: str) -> str:
    """Why the goal is in danger and what would help; empty when it is not."""
    if not of.logged:
        return NO_TRAFFIC
    if of.logged < THIN:
        return f"Only {of.logged} request{' is' if of.logged == 1 else 's are'} logged yet: too few to forecast its delivery."
    if of.eligible <= 0 and of.hours > 0:
        return f"None of the {of.logged:,} requests logged in the last four weeks could have been served by it; {_widen(of)}."
    if of.goal is None or of.expected >= min(of.goal * (1.0 - TOLERANCE), of.goal - 1):
        return ""
    end = datetime.fromtimestamp(of.ends, UTC)
    expected = f"{_amount(of, of.expected, currency)}{_between(of, currency)} of {_amount(of, of.goal, currency, unit=True)}"
    return f"Expected {expected} by {end.day} {end:%b}: {_cause(of)}."


def _between(of: Prospect, currency: str) -> str:
    if of.low is None or of.high is None:
        return ""
    low, high = _amount(of, of.low, currency), _amount(of, of.high, currency)
    return f" ({low} to {high})" if low != high else ""


def _cause(of: Prospect) -> str:
    if of.by_budget is not None and of.by_budget < min(of.goal or 0, of.expected * (1.0 + TOLERANCE) + 1):
        at = "at its bid" if of.low is None else "at the prices to be expected"
        return f"its budget pays for {of.by_budget:,.0f} {GOALS.get(of.goal_type, '')} {at}; raise the budget or lower the goal"
    if of.capping is not None and _caps_decide(of, of.capping):
        return _capped(of, of.capping)
    if of.winnable < 0.5 * of.eligible:
        share = 1.0 - of.winnable / max(of.eligible, 1e-9)
        # More days of what others take bring nothing.
        widen = f", {_widen(of)}" if of.hindrance else ""
        return f"flights before it take {share:.0%} of the breaks it matches; {RAISE_PRIORITY}{widen} or lower the goal"
    only = f"only {_breaks(of.eligible)} match its targeting until then{_rate(of)}{_of_which(of)}"
    return f"{only}; {_widen(of)} or lower the goal"


def _of_which(of: Prospect) -> str:
    won = of.winnable / max(of.eligible, 1e-9)
    if of.capping is not None and of.capping.share < min(won, 0.95):
        return f", of which its {_cap(of.capping.cap)} leaves {of.capping.share:.0%}"
    return "" if won > 0.95 else f", of which it can win {won:.0%}"


def _caps_decide(of: Prospect, by: Capping) -> bool:
    """Whether caps leave less than the other flights do, and without them the goal would be reached or twice as much delivered."""
    return by.share * of.eligible < of.winnable and (by.share < 0.5 or by.uncapped >= (of.goal or 0) * (1.0 - TOLERANCE))


def _capped(of: Prospect, by: Capping) -> str:
    leaves = f"its {_cap(by.cap)} leaves {by.share * of.eligible:,.0f} of {of.eligible:,.0f} matching breaks"
    audience, advice = [], "loosen that cap or lower the goal"
    if by.viewers >= 1:
        each = f", {by.weekly:,.0f} breaks a week each" if by.weekly >= 2 else ""
        audience.append(f"{_about(by.viewers, 'viewer')}{each}")
    if by.sessions >= 1:
        playbacks = f"{_about(by.sessions, 'playback')} without consent"
        if not _counts_as_written(by.cap):
            # However often it allows: only a shorter window counts more there.
            playbacks += ", where it counts as once a playback"
            advice = "loosen that cap, count it by hour or playback, or lower the goal"
        audience.append(playbacks)
    return f"{leaves} ({'; '.join(audience)}); {advice}"


def _cap(cap: CapRow) -> str:
    """Like ``cap of 2 a day``."""
    window = {LIFETIME: " in a lifetime", STREAM: " a playback"}.get(cap.per, f" a {cap.per}")
    if cap.times > 1:
        window = f" in {cap.times} {cap.per}s"
    return f"cap of {cap.count:,}{window}{_COUNTED[cap.scope]}"


def _counts_as_written(cap: CapRow) -> bool:
    """Whether the cap counts as written where the viewer may not be recognised."""
    return effective(cap, consent=False) == effective(cap, consent=True)


def _about(number: float, noun: str) -> str:
    """Two figures are as much as a sample tells."""
    rounded = float(f"{number:.2g}")
    return f"about {rounded:,.0f} {noun}{'' if rounded == 1 else 's'}"


def _breaks(number: float) -> str:
    return "1 break" if round(number) == 1 else f"{number:,.0f} breaks"


def _rate(of: Prospect) -> str:
    """How many that is a day or a week; nothing where the flight is too short for it to tell more."""
    hourly = of.eligible / max(of.hours, 1e-9)
    for per, hours in (("a day", 24), ("a week", 168)):
        if hourly * hours >= 2 and of.hours >= 2 * hours:
            return f" ({hourly * hours:,.0f} {per})"
    return ""


def _widen(of: Prospect) -> str:
    if of.hindrance in _KEY_OF:
        return f"widen the {_KEY_OF[of.hindrance]}"
    return _ADVICE.get(of.hindrance, "give it more days")


def _amount(of: Prospect, value: float, currency: str, *, unit: bool = False) -> str:
    return amount(of.goal_type, value, currency, unit=unit)


def amount(goal_type: str, value: float, currency: str, *, unit: bool = False) -> str:
    """Goal events, or micros as money where the goal is spend."""
    if goal_type == "spend":
        return f"{value / 1e6:,.2f}" + (f" {currency}" if unit else "")
    return f"{value:,.0f}" + (f" {GOALS[goal_type]}" if unit else "")
