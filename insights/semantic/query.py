"""The typed question: what an analyst, or a language model, hands to the compiler instead of SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .model import Grain, Name

Intent = Literal["value", "overview", "breakdown", "rank", "trend", "compare"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Period(_Strict):
    """Half-open UTC range ``[start, end)``; an open side is None. ``label`` is how it was said."""

    start: datetime | None = None
    end: datetime | None = None
    label: str = "all time"

    @model_validator(mode="after")
    def _forward(self) -> Period:
        if any(moment is not None and moment.tzinfo is None for moment in (self.start, self.end)):
            raise ValueError("a period needs times with a zone")
        if self.start and self.end and self.end <= self.start:
            raise ValueError("a period must end after it starts")
        return self

    @property
    def hourly(self) -> bool:
        """Whether a bound is not midnight, so that day rollups cannot answer."""
        return any(moment is not None and (moment.hour, moment.minute, moment.second) != (0, 0, 0) for moment in (self.start, self.end))


class Filter(_Strict):
    """``dimension IN values``; for an entity the values are its keys, and ``labels`` their names."""

    dimension: Name
    values: tuple[int | str, ...] = Field(min_length=1)
    labels: tuple[str, ...] = ()


class Order(_Strict):
    measure: Name
    descending: bool = True


class SemanticQuery(_Strict):
    intent: Intent
    cube: Name
    measures: tuple[Name, ...] = Field(min_length=1)
    dimensions: tuple[Name, ...] = ()
    filters: tuple[Filter, ...] = ()
    period: Period = Period()
    grain: Grain | None = None
    order: Order | None = None
    limit: int = Field(default=200, ge=1, le=1000)
