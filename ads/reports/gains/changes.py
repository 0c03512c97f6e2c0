"""What could be changed about a flight, from what stopped it: each a few columns or ads that are other. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from ads.decision import targeting
from ads.decision.inventory import POD, STREAM, AdRow, Value
from ads.decision.targeting import REASONS_OF, WITHHELD
from ads.terms import LARGEST_GOAL, MICROS, write_caps

from .sample import Proposal
from .world import Run, World

# What stopped less than this share of the requests is not worth a change.
WORTH = 0.01
# Of the requests that a higher bid could have won, so many are to be won by it; and so many times the bid nobody pays.
BID_QUANTILES, MOST_TIMES = (0.5, 0.9), 5.0
MORE = 1.5
MOST_VALUES, MOST_HOURS = 2, 4
SECOND_CLIP = -1
TARGETED, CAPPED, FITTED = frozenset({"targeting"}), frozenset({"caps"}), frozenset({"fit"})
PRICED = frozenset({"price", "pod", "reservation", "served"})
PACED = PRICED | {"pacing", "budget", "share_of_voice"}
EVERYTHING: frozenset[str] = frozenset()
LABELS = {
    "titles": "titles", "genres": "genres", "maturity": "maturity ratings", "moods": "moods of the scene before", "tags": "kinds of scene",
    "break_positions": "places of the break", "dayparts": "hours of the day", "weekdays": "weekdays", "devices": "devices", "tiers": "subscriptions",
    "age_bands": "ages", "genders": "genders", "countries": "countries", "segments": "segments",
}  # fmt: skip
_KEY_OF = {reasons[0]: key for key, reasons in REASONS_OF.items()}
_KEY_EXCLUDED = {reasons[1]: key for key, reasons in REASONS_OF.items()}
LEVELS = (("targeting", ""), ("campaign__targeting", " of the whole campaign"))
CAP_LEVELS = (("frequency_caps", "flight", ""), ("campaign__frequency_caps", "campaign", " of the whole campaign"))

Named = Callable[[str, Value], str]


@dataclass(frozen=True, slots=True)
class Change:
    """``columns`` (`ads.selectors.FLIGHT_COLUMNS`) with their new values and, where those are other, all its ``ads``. ``words`` ask for it.

    ``touches`` are the stages whose outcome it can change by itself, empty for any. ``clip`` says that it takes another clip, which no
    button can make; ``note`` what else to know before it is made.
    """

    key: str
    words: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    ads: tuple[AdRow, ...] | None = None
    touches: frozenset[str] = EVERYTHING
    clip: bool = False
    note: str = ""

    def made(self, proposed: Proposal) -> Proposal:
        return replace(proposed, columns={**proposed.columns, **self.columns}, ads=proposed.ads if self.ads is None else self.ads)

    def with_other(self, other: Change) -> Change | None:
        """Both together, None where they change the same."""
        if set(self.columns) & set(other.columns) or (self.ads is not None and other.ads is not None):
            return None
        touches = self.touches | other.touches if self.touches and other.touches else EVERYTHING
        ads = other.ads if self.ads is None else self.ads
        words = f"{self.words}, and {other.words[0].lower()}{other.words[1:]}"
        columns, note = {**self.columns, **other.columns}, " ".join(filter(None, [self.note, other.note]))
        return Change(f"{self.key}+{other.key}", words, columns, ads, touches, self.clip or other.clip, note)


def candidates(proposed: Proposal, world: World, base: Run, *, named: Named, currency: str, now: datetime) -> list[Change]:
    """Every change that speaks to something which stopped the flight, without repeats; those that speak to most of it first."""
    stopped = Counter(code for told in base.reasons for code in told)
    total = max(stopped.total(), 1)
    found: dict[str, Change] = {}
    sources = _Sources(proposed, world, base, named, currency, now)
    for code, count in stopped.most_common():
        if count >= WORTH * total:
            for change in sources.of(code):
                # Two sources may ask for the same in other words.
                if not any(one.columns == change.columns and one.ads == change.ads for one in found.values()):
                    found.setdefault(change.key, change)
    return list(found.values())


@dataclass(frozen=True)
class _Sources:
    proposed: Proposal
    world: World
    base: Run
    named: Named
    currency: str
    now: datetime

    @property
    def columns(self) -> dict[str, Any]:
        return self.proposed.columns

    def of(self, code: str) -> Iterator[Change]:
        if code in _KEY_OF:
            yield from self._wider(_KEY_OF[code], code)
        elif code in _KEY_EXCLUDED:
            yield from self._less_excluded(_KEY_EXCLUDED[code], code)
        else:
            found = _BY_CODE.get(code)
            yield from found(self) if found else ()

    # Targeting

    def _stopped(self, code: str) -> Iterator[Any]:
        return (one.request for one, told in zip(self.world.logged, self.base.reasons, strict=True) if code in told)

    def _missed(self, key: str, code: str) -> Counter[Value]:
        return Counter(value for request in self._stopped(code) for value in targeting.known_values(request, key) or ())

    def _wider(self, key: str, code: str) -> Iterator[Change]:
        """The values that were missed most, added; and the key dropped."""
        missed = self._missed(key, code)
        for column, where in LEVELS:
            wanted = _asked(self.columns, column, "include", key)
            lacking = [value for value, _ in missed.most_common() if value not in wanted]
            if not wanted or not lacking:
                continue
            most = MOST_HOURS if key == "dayparts" else MOST_VALUES
            if key == "dayparts":
                yield self._with(column, "include", key, [*wanted, *lacking[:most]], f"Also run at {self._list(key, sorted(lacking[:most]))}{where}")
            else:
                for value in lacking[:most]:
                    yield self._with(column, "include", key, [*wanted, value], f"Also target {self._list(key, [value])} ({LABELS[key]}{where})")
            if len(lacking) > 1:
                yield self._with(column, "include", key, [], f"Target all {LABELS[key]}{where}")

    def _less_excluded(self, key: str, code: str) -> Iterator[Change]:
        missed = self._missed(key, code)
        for column, where in LEVELS:
            unwanted = _asked(self.columns, column, "exclude", key)
            met = [value for value, _ in missed.most_common() if value in unwanted]
            if met:
                rest = [value for value in unwanted if value != met[0]]
                yield self._with(column, "exclude", key, rest, f"No longer keep away from {self._list(key, met[:1])} ({LABELS[key]}{where})")
            if len(met) > 1:
                yield self._with(column, "exclude", key, [], f"No longer keep away from any {LABELS[key]}{where}")

    def public(self) -> Iterator[Change]:
        """Nothing that viewers may keep private is targeted any more."""
        kept = Counter(key for request in self._stopped(WITHHELD) for key in LABELS if targeting.known_values(request, key) is None)
        for column, where in LEVELS:
            asked: dict[str, Any] = self.columns[column] or {}
            private = sorted({key for values in asked.values() for key, wanted in values.items() if wanted and kept[key]})
            if private:
                others = {direction: {key: values for key, values in keys.items() if key not in private} for direction, keys in asked.items()}
                words = f"Do without {' and '.join(LABELS[key] for key in private)}{where}, which viewers may keep private"
                yield Change(f"{column}:public", words, {column: others}, touches=TARGETED)

    def _with(self, column: str, direction: str, key: str, values: list[Value], words: str) -> Change:
        asked = self.columns[column] or {}
        changed = {**asked, direction: {**asked.get(direction, {}), key: values}}
        if not values:
            del changed[direction][key]
        return Change(f"{column}:{direction}:{key}:{'+'.join(map(str, values))}", words, {column: changed}, touches=TARGETED)

    def _list(self, key: str, values: list[Value]) -> str:
        return ", ".join(self.named(key, value) for value in values)

    # Caps and company

    def caps(self) -> Iterator[Change]:
        for column, scope, where in CAP_LEVELS:
            caps = self.columns[column] or []
            for place, cap in enumerate(caps):
                if cap["per"] == POD:
                    continue
                said = write_caps([cap], scope=scope)
                more = {**cap, "count": cap["count"] + 1}
                raised = [*caps[:place], more, *caps[place + 1 :]]
                words = f"Raise the cap of {said}{where} to {write_caps([more], scope=scope)}"
                yield Change(f"{column}:{place}:more", words, {column: raised}, touches=CAPPED)
                yield from self._elsewhere(column, scope, where, place)

    def _elsewhere(self, column: str, scope: str, where: str, place: int) -> Iterator[Change]:
        """A cap of days or weeks counts as once a playback without consent; counted by the playback it allows what it says."""
        caps = self.columns[column]
        cap = caps[place]
        if cap["per"] in (STREAM, "second", "minute", "hour"):
            return
        other = {**cap, "per": STREAM, "times": 1}
        if other not in caps:
            words = f"Count the cap of {write_caps([cap], scope=scope)}{where} by the playback instead"
            yield Change(f"{column}:{place}:stream", words, {column: [*caps[:place], other, *caps[place + 1 :]]}, touches=CAPPED)

    def uncountable(self) -> Iterator[Change]:
        if self.columns["strict_caps"]:
            words = "Let caps be counted by the playback where consent is missing (no strict caps)"
            yield Change("strict_caps", words, {"strict_caps": False}, touches=CAPPED)

    def another_clip(self) -> Iterator[Change]:
        first = self.proposed.ads[0]
        second = msgspec.structs.replace(first, id=SECOND_CLIP, asset=SECOND_CLIP, name=f"{first.name}, another clip")
        yield Change(
            "second_clip",
            "Add a second ad with another clip, so that the same one need not come again so soon",
            {},
            (second, *self.proposed.ads),
            PACED | CAPPED,
            clip=True,
        )

    def shared(self) -> Iterator[Change]:
        if self.columns["exclusivity"] == "stream":
            words = "Be alone of its advertiser and category in a break instead of in a whole playback"
            yield Change("exclusivity", words, {"exclusivity": "pod"}, touches=CAPPED)

    def beside(self) -> Iterator[Change]:
        if self.columns["excluded_categories"]:
            yield Change("excluded_categories", "Let ads of every category stand beside it", {"excluded_categories": []}, touches=PRICED)
        yield from self._anywhere()

    def _anywhere(self) -> Iterator[Change]:
        if self.columns["slot_position"] != "any":
            words = f"Let it stand anywhere in a break instead of {self.columns['slot_position']} alone"
            yield Change("slot_position", words, {"slot_position": "any"}, touches=PRICED)

    def shorter(self) -> Iterator[Change]:
        longest = min(ad.duration for ad in self.proposed.ads)
        room = [request.duration for request in self._stopped("too_long") if request.duration < longest]
        if room:
            seconds = float(math.floor(np.quantile(room, 0.25)))
            ads = tuple(msgspec.structs.replace(ad, duration=min(ad.duration, seconds)) for ad in self.proposed.ads)
            yield Change("shorter", f"Use a clip of {seconds:g} s instead of {longest:g} s", {}, ads, PRICED | FITTED, clip=True)

    # Price and place in the order

    def price(self) -> Iterator[Change]:
        yield from self._bids()
        if self.columns["tier"] != "house" and self.columns["priority"] > 1:
            words = f"Serve it first in its tier: priority 1 instead of {self.columns['priority']}"
            yield Change("priority", words, {"priority": 1}, touches=PRICED)
        if self.columns["tier"] == "price_priority" and self.columns["goal_amount"] is not None:
            yield Change("tier", "Guarantee its goal: standard instead of price priority", {"tier": "standard"}, touches=PACED)
        yield from self._anywhere()

    def _bids(self) -> Iterator[Change]:
        """The bids that would have won half and nearly all of what a price could win."""
        wanted = self.base.needed[np.isfinite(self.base.needed) & (self.base.needed > 1.0) & (self.base.needed <= MOST_TIMES)]
        bid = self.columns["bid_micros"]
        if self.columns["tier"] == "house" or not len(wanted):
            return
        for share in BID_QUANTILES:
            raised = _round_up(bid * float(np.quantile(wanted, share)) * 1.001)
            words = f"Raise the bid from {self._money(bid)} to {self._money(raised)}"
            columns: dict[str, Any] = {"bid_micros": raised}
            yield Change(f"bid:{raised}", words, columns, touches=PRICED)

    # Pace, goal and budget

    def pace(self) -> Iterator[Change]:
        if self.columns["pacing"] != "asap":
            evenly = "front-loaded" if self.columns["pacing"] == "front_loaded" else "evenly"
            note = "Its goal stays: it delivers sooner, not more in all." if self.columns["goal_amount"] else "Its budget stays: it is spent sooner."
            yield Change("pacing", f"Deliver as fast as possible instead of {evenly}", {"pacing": "asap"}, touches=PACED, note=note)
        yield from self.goal()

    def goal(self) -> Iterator[Change]:
        for column, limit in (("goal_amount", "budget_micros"), ("daily_goal_amount", "daily_budget_micros")):
            amount = self.columns[column]
            if amount is None:
                continue
            more = min(math.ceil(amount * MORE), LARGEST_GOAL)
            money = self.columns["goal_type"] == "spend"
            columns = {column: more}
            budget = self.columns[limit]
            told = f"{self._money(amount)} to {self._money(more)}" if money else f"{amount:,} to {more:,}"
            words = f"Raise the {column.removesuffix('_amount').replace('_', ' ')} from {told}"
            if budget:
                columns[limit] = math.ceil(budget * MORE)
                words += f", and the {limit.removesuffix('_micros').replace('_', ' ')} with it"
            yield Change(column, words, columns, touches=PACED)

    def budget(self) -> Iterator[Change]:
        for column in ("budget_micros", "daily_budget_micros"):
            amount = self.columns[column]
            if amount:
                more = math.ceil(amount * MORE)
                words = f"Raise the {column.removesuffix('_micros').replace('_', ' ')} from {self._money(amount)} to {self._money(more)}"
                yield Change(column, words, {column: more}, touches=PACED)

    def voice(self) -> Iterator[Change]:
        share = self.columns["share_of_voice"]
        if share and share < 1.0:
            more = min(1.0, round(share * MORE, 2))
            yield Change("share_of_voice", f"Raise its share of voice from {share:.0%} to {more:.0%}", {"share_of_voice": more}, touches=PACED)

    def _money(self, micros: int) -> str:
        return f"{micros / MICROS:,.{2 if micros >= 100_000 else 4}f} {self.currency}"


_BY_CODE: dict[str, Callable[[_Sources], Iterator[Change]]] = {
    WITHHELD: _Sources.public, "frequency_cap": _Sources.caps, "caps_uncountable": _Sources.uncountable, "too_soon": _Sources.another_clip,
    "stream_exclusive": _Sources.shared, "too_long": _Sources.shorter, "below_reserve": _Sources.price, "runner_up": _Sources.price,
    "no_room": _Sources.price, "pod_conflict": _Sources.beside, "paced": _Sources.pace, "share_of_voice": _Sources.voice,
    "budget_spent": _Sources.budget, "daily_budget_spent": _Sources.budget, "goal_reached": _Sources.goal, "daily_goal_reached": _Sources.goal,
}  # fmt: skip


def _asked(columns: Mapping[str, Any], column: str, direction: str, key: str) -> list[Value]:
    return list((columns[column] or {}).get(direction, {}).get(key) or [])


def _round_up(micros: float) -> int:
    """To two figures, as prices are named."""
    step = 10 ** max(0, math.floor(math.log10(micros)) - 1)
    return int(math.ceil(micros / step) * step)
