"""How figures look in the admin: money in units of currency, shares as percent, progress as bars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models.expressions import Combinable
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from ads.models import Flight, FlightBalance
from ads.terms import MICROS

Method = TypeVar("Method", bound=Callable[..., Any])


def column(description: str, *, ordering: str | Combinable | None = None, label: dict[str, str] | None = None) -> Callable[[Method], Method]:
    """A list column or read-only field; ``label`` gives a value its colour."""
    decorate: Callable[[Method], Method] = display(description=description, ordering=ordering, label=label)
    return decorate


def once(row: Any, name: str, make: Callable[[], SafeString]) -> SafeString:
    """A panel made once for a page: the templates ask for a read-only field several times."""
    kept: dict[str, SafeString] = row.__dict__.setdefault("_panels", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]


def button(description: str, *, permission: str) -> Callable[[Method], Method]:
    """A button beside Save; ``permission`` is the verb of a ``has_<verb>_permission``."""
    decorate: Callable[[Method], Method] = action(description=description, permissions=[permission])
    return decorate


def money(micros: int | None, *, digits: int = 2) -> str:
    """Micros as units of the installation's currency."""
    return "-" if micros is None else f"{micros / MICROS:,.{digits}f} {settings.CURRENCY}"


def lines(first: str, second: str) -> SafeString:
    """A figure, and what it is of below it, neither broken over lines."""
    return format_html('<span class="figure">{}<small>{}</small></span>', first, second)


def percent(part: float, whole: float, *, digits: int = 2) -> str:
    return f"{100 * part / whole:.{digits}f}%" if whole else "-"


def count(value: int) -> str:
    return f"{value:,}"


def progress(part: float, whole: float, *, words: str = "", planned: float | None = None) -> SafeString:
    """A bar of ``part`` in ``whole``; ``planned`` is the share its time has passed, in the tooltip."""
    share = min(1.0, part / whole) if whole else 0.0
    hint = "" if planned is None else f"{planned:.0%} of its time has passed"
    return format_html(
        '<div class="goal" title="{}"><progress max="100" value="{}"></progress><span>{} · {}</span></div>',
        hint, f"{100 * share:.1f}", f"{share:.0%}", words,
    )  # fmt: skip


def goal_words(flight: Flight) -> str:
    if flight.goal_amount is None:
        return "no goal"
    if flight.goal_type == Flight.Goal.SPEND:
        return f"of {money(flight.goal_amount)}"
    return f"of {count(flight.goal_amount)} {flight.get_goal_type_display().lower()}"


def delivered(flight: Flight, balance: FlightBalance | None) -> int:
    """How much of its goal the flight has delivered, in the goal's own unit."""
    if balance is None:
        return 0
    return {
        Flight.Goal.IMPRESSIONS: balance.impressions,
        Flight.Goal.COMPLETED_VIEWS: balance.completed_views,
        Flight.Goal.CLICKS: balance.clicks,
        Flight.Goal.SPEND: balance.booked_micros,
    }[Flight.Goal(flight.goal_type)]


def balance_of(flight: Flight) -> FlightBalance | None:
    """The flight's balance, when it was fetched with it or exists."""
    return getattr(flight, "balance", None)


def goal_bar(flight: Flight) -> SafeString | str:
    if not flight.goal_amount:
        return "no goal" if flight.tier != Flight.Tier.SPONSORSHIP else f"{flight.share_of_voice or 0:.0%} of the breaks"
    length = (flight.ends_at - flight.starts_at).total_seconds()
    passed = min(1.0, max(0.0, (datetime.now(UTC) - flight.starts_at).total_seconds() / length)) if length > 0 else None
    return progress(delivered(flight, balance_of(flight)), flight.goal_amount, words=goal_words(flight), planned=passed)


def tier(flight: Flight) -> str:
    """The tier in a word or two, without what it means."""
    return flight.get_tier_display().partition(":")[0].lower()
