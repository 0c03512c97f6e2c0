"""The typed question: what an analyst, or a language model, hands to the compiler instead of SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .model import Grain, Name

Intent = Literal["value", "overview", "breakdown", "rank", "trend", "compare", "share", "pacing", "why", "list", "define", "help"]
# These are answered from the model itself, not from rows.
WITHOUT_FIGURES = frozenset({"list", "define", "help"})
# A measure compared with an earlier period comes with these columns beside its own; ``_share`` is its part of the whole.
BEFORE, CHANGE, GROWTH, SHARE = "_before", "_change", "_growth", "_share"


# Nothing was measured outside of these, and the calendar of what is compared with it has room on both sides.
EARLIEST, LATEST = 1900, 2200


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Period(_Strict):
    """Half-open UTC range ``[start, end)``; an open side is None. ``label`` is how it was said."""

    start: datetime | None = None
    end: datetime | None = None
    label: str = "all time"

    @model_validator(mode="after")
    def _forward(self) -> Period:
        bounds = [moment for moment in (self.start, self.end) if moment is not None]
        if any(moment.tzinfo is None for moment in bounds):
            raise ValueError("a period needs times with a zone")
        if any(not EARLIEST <= moment.year <= LATEST for moment in bounds):
            raise ValueError(f"a period lies between the years {EARLIEST} and {LATEST}")
        if self.start and self.end and self.end <= self.start:
            raise ValueError("a period must end after it starts")
        return self

    @property
    def hourly(self) -> bool:
        """Whether a bound is not midnight, so that day rollups cannot answer."""
        return any(moment is not None and (moment.hour, moment.minute, moment.second) != (0, 0, 0) for moment in (self.start, self.end))


class Filter(_Strict):
    """``dimension IN values``, or not in them; for an entity the values are its keys, and ``labels`` their names."""

    dimension: Name
    values: tuple[int | str, ...] = Field(min_length=1)
    labels: tuple[str, ...] = ()
    op: Literal["in", "not_in"] = "in"


class Having(_Strict):
    """Rows whose measure passes a threshold. ``value`` in the measure's own unit: shares 0-1, money in the currency, not in micros."""

    measure: Name
    op: Literal["gt", "gte", "lt", "lte", "eq", "ne"]
    value: float


class Order(_Strict):
    """``by`` the measure itself, or, beside a baseline or a share, by what was derived from it."""

    measure: Name
    descending: bool = True
    by: Literal["value", "change", "growth", "share"] = "value"


class SemanticQuery(_Strict):
    """``baseline`` is the period each figure is compared with. ``focus`` limits the rows that are shown after shares were taken of the whole:
    the share of mobile is a share by device with the focus on mobile. ``cube`` and ``measures`` may be empty for list, define and help;
    ``subject`` is then what was asked about, as ``measure:ctr``, ``dimension:genre`` or ``cube:delivery``."""

    intent: Intent
    cube: str = Field(default="", pattern=r"^([a-z_][a-z0-9_]{0,62})?$")
    measures: tuple[Name, ...] = ()
    dimensions: tuple[Name, ...] = ()
    filters: tuple[Filter, ...] = ()
    having: tuple[Having, ...] = ()
    focus: tuple[Filter, ...] = ()
    period: Period = Period()
    baseline: Period | None = None
    grain: Grain | None = None
    order: Order | None = None
    limit: int = Field(default=200, ge=1, le=1000)
    subject: str = ""

    @model_validator(mode="after")
    def _whole(self) -> SemanticQuery:
        if self.intent not in WITHOUT_FIGURES and not (self.cube and self.measures):
            raise ValueError(f"a {self.intent} needs a cube and at least one measure")
        if self.intent == "trend" and self.grain is None:
            raise ValueError("a trend needs a grain: hour, day, week or month")
        if self.intent == "share" and not self.dimensions:
            raise ValueError("a share needs the dimension whose parts it is taken of")
        if self.intent == "why" and len(self.measures) != 1:
            raise ValueError("why is asked of one measure")
        if outside := [part.dimension for part in self.focus if part.dimension not in self.dimensions]:
            raise ValueError(f"the focus is on {', '.join(outside)}, which is not among the dimensions")
        if self.order and self.order.by in ("change", "growth") and self.baseline is None:
            raise ValueError("an order by change needs a baseline")
        return self
