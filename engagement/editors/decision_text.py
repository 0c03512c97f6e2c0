"""One decision of the Director in words, from its stored row alone. Pure: rows of earlier versions lack what later ones log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engagement.models import DirectorAction, DirectorDecision, DirectorOutcome

KEEP = DirectorAction.KEEP.value
# Of one moment the amounts are too small to read: as with ads, they are told per thousand.
MICROS_A_THOUSANDTH = 1_000


@dataclass(frozen=True, slots=True)
class Alternative:
    """A row of the table of what could have been done. ``money`` is what it is expected to gain over keeping, per thousand moments."""

    does: str
    about: str
    attention: str
    worth: str
    gain: str
    chance: str
    why: str
    taken: bool
    features: tuple[tuple[str, str], ...]


def happened(decision: DirectorDecision) -> str:
    """What was done, and whether that is what was meant."""
    action, intended = decision.action, decision.intended or decision.action
    if action not in (KEEP, "") and not decision.applied:
        return f"{_does(action)}, but too late: the film had moved on."
    if decision.explored:
        return f"{_does(action)}, drawn by chance to learn what it does." + (
            f" By its own judgement it would have: {_does(intended).lower()}." if intended != action else ""
        )
    if intended != action:
        return f"{_does(action)}. It would have: {_does(intended).lower()}."
    return f"{_does(action)}."


def alternatives(rows: Sequence[Mapping[str, Any]], *, currency: str) -> list[Alternative]:
    return [
        Alternative(
            does=_does(row.get("action", KEEP)),
            about=_about(row),
            attention=_share(row.get("expected")),
            worth=_worth(row, currency),
            gain=_gain(row, currency),
            chance="-" if row.get("propensity") is None else f"{row['propensity']:.1%}",
            why=_why(row),
            taken=bool(row.get("taken")),
            features=features(row.get("features") or {}),
        )
        for row in rows
    ]


def features(served: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) as served; what was not known or not allowed to be used is said so."""
    return tuple((name.replace("_", " "), _value(value)) for name, value in served.items())


def came_of_it(decision: DirectorDecision, outcome: DirectorOutcome | None) -> str:
    if outcome is None:
        return "Not judged yet: that is done once the session has been silent for a quarter of an hour."
    if not outcome.reached:
        return "The viewer never came to that place, so the decision could make no difference."
    told = [f"The viewer came to that place and watched {_share(outcome.watched)} of the scene there"]
    if outcome.coming is not None:
        told[0] += f", {_share(outcome.coming)} of it and the next one"
    if outcome.stayed_seconds is not None:
        told.append(f"{outcome.stayed_seconds:.0f} s of film were watched from there to the end of the session")
    if outcome.taken:
        told.append("the suggestion was followed")
    return "; ".join(told) + "."


def money(micros: float, currency: str) -> str:
    """Per thousand moments."""
    return f"{micros / MICROS_A_THOUSANDTH:+,.2f} {currency}"


def _does(action: str) -> str:
    return str(DirectorAction(action).label) if action in DirectorAction.values else action.replace("_", " ").capitalize()


def _about(row: Mapping[str, Any]) -> str:
    told = [f"“{row.get('name', '')}” next" if row.get("name") else ""]
    told += [str(row["mood"])] if row.get("mood") else []
    told += [f"intensity {row['intensity']:.2f}"] if row.get("intensity") is not None else []
    told += ["tight cut"] if row.get("cut") == "tight" else []
    told += (
        [f"{abs(row['moved'])} {'place' if abs(row['moved']) == 1 else 'places'} {'earlier' if row['moved'] > 0 else 'later'}"]
        if row.get("moved")
        else []
    )
    told += [f"{row['break_seconds']:.0f} s of ads before it"] if row.get("break_seconds") else []
    return ", ".join(part for part in told if part)


def _worth(row: Mapping[str, Any], currency: str) -> str:
    if row.get("now") is None or row.get("later") is None:
        return "-"
    return f"{money(row['now'], currency).lstrip('+')} and {money(row['later'], currency).lstrip('+')} with full attention"


def _gain(row: Mapping[str, Any], currency: str) -> str:
    if row.get("action") == KEEP or row.get("gain") is None:
        return "-"
    low = row.get("gain_low")
    return money(row["gain"], currency) + ("" if low is None else f", at least {money(low, currency)}")


def _why(row: Mapping[str, Any]) -> str:
    told = ["taken"] if row.get("taken") else []
    told += ["what it would have done by its own judgement"] if row.get("intended") and not row.get("taken") else []
    if row.get("allowed") is False:
        told.append("not allowed here: the budget of changes, the cool-down or buffering held it back")
    elif row.get("action") != KEEP and not told:
        if row.get("gain_low") is not None and row["gain_low"] <= 0:
            told.append("not sure to gain")
        elif row.get("proven") is False and row.get("gain_low") is not None:
            told.append("chance has not tried it often enough")
        elif row.get("gain_low") is not None:
            told.append("another one is surer to gain more")
    return "; ".join(told)


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _value(value: Any) -> str:
    return "not known or not used" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)
