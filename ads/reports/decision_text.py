"""One stored decision as text for people: what was asked, who won at what price, and what became of every other ad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings

from ads.decision.explanation import REASONS
from ads.decision.stages import STAGES, stage_of
from ads.models import Ad, Decision
from ads.terms import MICROS

# Of a reason that many ads share, so many are named.
NAMED = 6


def as_text(decision: Decision) -> str:
    """Sections of fixed width: the request, the slots, the best candidates in full, and the funnel of all."""
    sections = [_asked(decision), _won(decision), _candidates(decision), _funnel(decision), _unfilled(decision)]
    return "\n\n".join("\n".join(section) for section in sections if section)


def _asked(decision: Decision) -> list[str]:
    asked = decision.request
    consent = "with consent" if asked["consent"] else "without consent, contextual only"
    known = {name: asked.get(name) for name in ("genres", "mood", "tags", "country", "age_band", "gender", "tier", "segments")}
    return [
        f"Decision {decision.pk} of {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC",
        f"  break      {asked['break_id']} ({asked['break_position']}), {asked['duration']:g} s for at most {asked['max_ads']} ads,"
        f" from {_money(asked['reserve_micros'])} an impression",
        f"  title      {decision.title or '-'}   device {asked['device']}   hour {asked['hour']}, weekday {asked['weekday']}",
        f"  viewer     {decision.viewer or '-'} ({consent})   session {decision.session}",
        f"  knew       {', '.join(f'{name} {_plain(value)}' for name, value in known.items() if value) or '-'}",
        f"  ranked by  {_ranked_by(decision)}; inventory {decision.inventory_version}; {decision.milliseconds:.1f} ms",
    ]


def _ranked_by(decision: Decision) -> str:
    if decision.control:
        return "smoothed rates (control slice: no model)"
    return f"model version {decision.model_version}" if decision.model_version else "smoothed rates (no model yet)"


def _won(decision: Decision) -> list[str]:
    if not decision.slots:
        return ["Nothing was shown."]
    rows = [
        [
            f"{slot['slot']}", f"{slot['ad']} {slot['name']}", slot["campaign_name"], f"{slot['duration']:g} s", _money(slot["price_micros"]),
            f"{slot['pricing']} {_money(slot['event_price_micros'])}", _chance(slot), "explored" if slot["explored"] else "",
        ]
        for slot in decision.slots
    ]  # fmt: skip
    return ["Shown", *_table(["slot", "ad", "campaign", "length", "price", "charged", "chance", ""], rows)]


def _chance(slot: Mapping[str, Any]) -> str:
    return f"{slot['propensity']:.4f}" if slot["randomised"] else "certain"


def _candidates(decision: Decision) -> list[str]:
    rows = [
        [
            f"{one['ad']} {one['name']}", f"{one['tier']} {one['priority']}", _money(one["value_micros"]), f"{one['quality']:.2f}",
            f"{one['multiplier']:.2f}", _money(one["score"]), f"{one['pctr']:.3%}", f"{one['pvcr']:.0%}", _pacing(one["pacing"]),
            "-" if one["propensity"] is None else f"{one['propensity']:.4f}", one["words"],
        ]
        for one in decision.explanation["candidates"]
    ]  # fmt: skip
    header = ["ad", "tier, priority", "value", "quality", "pacing", "score", "pCTR", "pVCR", "let through", "chance", "what became of it"]
    return ["The best, in full", *_table(header, rows)] if rows else []


def _pacing(told: Mapping[str, Any]) -> str:
    return f"{told['signal']:.0%} {told['reason'].replace('_', ' ')}"


def _funnel(decision: Decision) -> list[str]:
    """Every ad of the inventory once, in the order of the stages."""
    counts: dict[str, list[int]] = {}
    for candidate in decision.explanation["candidates"]:
        counts.setdefault(candidate["reason"], []).append(candidate["ad"])
    for reason, ads in decision.explanation["others"].items():
        counts.setdefault(reason, []).extend(ads)
    order = list(STAGES)
    reasons = sorted(counts, key=lambda reason: (order.index(stage_of(reason)), -len(counts[reason]), reason))
    shown = {ad for reason in reasons for ad in counts[reason][:NAMED]}
    names = dict(Ad.objects.filter(pk__in=shown).values_list("pk", "name"))
    rows = [[f"{len(counts[reason])}", reason, REASONS.get(reason, ""), _named(counts[reason], names)] for reason in reasons]
    considered, eligible = decision.explanation["considered"], decision.explanation["eligible"]
    return [f"All {considered} ads, {eligible} of them eligible", *_table(["ads", "reason", "in words", "which"], rows)]


def _named(ads: Sequence[int], names: Mapping[int, str]) -> str:
    told = ", ".join(names.get(ad, f"ad {ad}") for ad in ads[:NAMED])
    return told + (f" and {len(ads) - NAMED} more" if len(ads) > NAMED else "")


def _unfilled(decision: Decision) -> list[str]:
    empty = decision.explanation["unfilled"]
    return [f"{empty['seconds']:g} s stayed empty: {REASONS[empty['reason']]}."] if empty else []


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    for line in (header, *rows):
        yield ("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))).rstrip()


def _money(micros: float) -> str:
    return f"{micros / MICROS:.6f} {settings.CURRENCY}"


def _plain(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
