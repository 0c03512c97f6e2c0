"""The semantic model: what can be asked, in the business's words, and where it lies. One YAML file, checked when it is loaded.

The file is the single source for the SQL, for the analyst's vocabulary, for what a language model is told and for the
grants of the read-only role. Nothing outside the file knows a table's name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

SHIPPED = Path(__file__).resolve().parent / "intermission.yaml"
IDENTIFIER = r"^[a-z_][a-z0-9_]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
Grain = Literal["hour", "day", "week", "month"]
Unit = Literal["count", "share", "money", "hours", "seconds", "milliseconds", "number"]


class SemanticModelError(ValueError):
    """The model file cannot be used; the message names the file and what to change."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entity(_Strict):
    """Things with a name in a table of their own. ``scope`` is the column that says whose they are; ``needs`` are columns
    that the table's row policies read and the read-only role must therefore be granted."""

    table: Name
    key: Name = "id"
    name: Name = "name"
    scope: Name | None = None
    needs: tuple[Name, ...] = ()


class Dimension(_Strict):
    """Something to group or filter by: an entity, or a column whose ``values`` are listed with their synonyms.

    ``by_part``: part of a name is enough to mean the thing. False where names are everyday words ("Today", "Reach"):
    then the whole name is needed, and beside the word for its kind when the name is also a word of the business.
    """

    label: str
    plural: str
    synonyms: tuple[str, ...] = ()
    entity: Entity | None = None
    values: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    by_part: bool = True


class Through(_Strict):
    """A column of the entity table that another dimension of the cube points to: the join path."""

    through: Name
    column: Name


class Ratio(_Strict):
    """``factor * SUM(numerator) / SUM(denominator)``, both measures of the same cube."""

    numerator: Name
    denominator: Name
    factor: float = 1.0


class Measure(_Strict):
    """A sum, the difference of two (``sum`` less ``less``), or a ratio of two such. A sum is divided by ``divide`` (micros:
    1000000) to come out in its unit."""

    label: str
    synonyms: tuple[str, ...] = ()
    description: str
    sum: Name | None = None
    less: Name | None = None
    ratio: Ratio | None = None
    divide: int = Field(default=1, ge=1)
    unit: Unit = "count"
    better: Literal["up", "down", "neither"] = "up"

    @model_validator(mode="after")
    def _one_kind(self) -> Measure:
        if (self.sum is None) == (self.ratio is None):
            raise ValueError("a measure has either 'sum' or 'ratio'")
        if self.less is not None and self.sum is None:
            raise ValueError("'less' is taken off a 'sum', so it needs one")
        return self


class TimeColumn(_Strict):
    column: Name
    type: Literal["timestamp", "date"] = "timestamp"


class Freshness(_Strict):
    """Where it is written how far a cube is filled: ``SELECT column FROM table WHERE key = value``."""

    table: Name
    column: Name
    key: Name
    value: str


class Cube(_Strict):
    """One fact table with its measures. ``tables`` gives the table for each base grain; coarser grains come from ``day``.
    ``synthetic`` names the boolean column that marks figures of a synthetic audience, which every answer then says."""

    label: str
    description: str = ""
    tables: dict[Literal["hour", "day"], Name]
    time: TimeColumn
    freshness: Freshness | None = None
    scope: Name | None = None
    synthetic: Name | None = None
    visible_to: tuple[str, ...] = ()
    dimensions: dict[Name, Name | Through] = Field(default_factory=dict)
    measures: dict[Name, Measure]
    overview: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Cube:
        if "day" not in self.tables:
            raise ValueError("'tables' needs the key 'day'")
        for name, measure in self.measures.items():
            for part in (measure.ratio.numerator, measure.ratio.denominator) if measure.ratio else ():
                if part not in self.measures or self.measures[part].ratio:
                    raise ValueError(f"ratio '{name}' uses '{part}', which is no summed measure of this cube")
        if unknown := [name for name in self.overview if name not in self.measures]:
            raise ValueError(f"overview names unknown measures: {', '.join(unknown)}")
        return self

    def table_for(self, grain: Grain | None, *, hourly: bool) -> str:
        return self.tables["hour"] if (grain == "hour" or hourly) and "hour" in self.tables else self.tables["day"]


class SemanticModel(_Strict):
    name: str
    description: str = ""
    currency: str | None = None
    dimensions: dict[Name, Dimension] = Field(default_factory=dict)
    cubes: dict[Name, Cube] = Field(min_length=1)
    ambiguous: dict[str, tuple[Name, ...]] = Field(default_factory=dict, description="Words that could mean several measures")
    examples: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _references(self) -> SemanticModel:
        for cube_name, cube in self.cubes.items():
            for name, place in cube.dimensions.items():
                if name not in self.dimensions:
                    raise ValueError(f"cube '{cube_name}' uses the unknown dimension '{name}'")
                if isinstance(place, Through):
                    self._check_path(cube_name, cube, place)
        measures = {name for cube in self.cubes.values() for name in cube.measures}
        for word, names in self.ambiguous.items():
            if unknown := [name for name in names if name not in measures]:
                raise ValueError(f"ambiguous word '{word}' names unknown measures: {', '.join(unknown)}")
        return self

    def _check_path(self, cube_name: str, cube: Cube, place: Through) -> None:
        through = self.dimensions.get(place.through)
        if place.through not in cube.dimensions or isinstance(cube.dimensions[place.through], Through) or through is None or through.entity is None:
            raise ValueError(f"cube '{cube_name}' goes through '{place.through}', which must be an entity dimension of the same cube")

    def entities(self) -> dict[str, Entity]:
        return {name: dimension.entity for name, dimension in self.dimensions.items() if dimension.entity}

    def columns(self) -> dict[str, frozenset[str]]:
        """Every table the model reaches with the columns it uses: what may be granted, and what the guard lets through."""
        used: dict[str, set[str]] = {}
        for cube in self.cubes.values():
            columns = {cube.time.column, *(column for column in (cube.scope, cube.synthetic) if column)}
            columns |= {column for measure in cube.measures.values() for column in (measure.sum, measure.less) if column}
            columns |= {place for place in cube.dimensions.values() if isinstance(place, str)}
            for table in cube.tables.values():
                used.setdefault(table, set()).update(columns)
            for place in cube.dimensions.values():
                if isinstance(place, Through):
                    entity = self.dimensions[place.through].entity
                    assert entity is not None  # noqa: S101 - checked when the model was loaded
                    used.setdefault(entity.table, set()).add(place.column)
            if cube.freshness:
                used.setdefault(cube.freshness.table, set()).update({cube.freshness.key, cube.freshness.column})
        for entity in self.entities().values():
            used.setdefault(entity.table, set()).update({entity.key, entity.name, *entity.needs, *([entity.scope] if entity.scope else [])})
        return {table: frozenset(columns) for table, columns in used.items()}


def parse(text: str, *, source: str) -> SemanticModel:
    """Raises SemanticModelError for anything but a complete and consistent model."""
    try:
        raw: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SemanticModelError(f"{source} is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(raw, dict):
        raise SemanticModelError(f"{source} must be a mapping with the keys name, dimensions and cubes")
    try:
        return SemanticModel.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SemanticModelError(f"{source}: at {place}: {re.sub(r'^Value error, ', '', first['msg'])}") from error


def load(path: Path | str | None = None) -> SemanticModel:
    """The model in ``path``, or the shipped one. Raises SemanticModelError."""
    if path is None:
        return _shipped()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SemanticModelError(f"cannot read the semantic model {path}: {error}") from error
    return parse(text, source=str(path))


@lru_cache(maxsize=1)
def _shipped() -> SemanticModel:
    return parse(SHIPPED.read_text(encoding="utf-8"), source=SHIPPED.name)
