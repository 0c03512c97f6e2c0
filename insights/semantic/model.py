"""The semantic model: what can be asked, in the business's words, and where it lies. A YAML file or a folder of them, checked when loaded.

The file is the single source for the SQL, for the analyst's vocabulary, for what a language model is told, for the help page
and for the grants of the read-only role. Nothing outside the file knows a table's name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

IDENTIFIER = r"^[a-z_][a-z0-9_]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
Grain = Literal["hour", "day", "week", "month"]
Unit = Literal["count", "share", "money", "hours", "seconds", "milliseconds", "number"]
Additive = Literal["all", "not_over_time", "none"]
Kind = Literal["sum", "ratio", "value", "sketch"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entity(_Strict):
    """Things with a name in a table of their own. ``scope`` is the column that says whose they are; ``needs`` are columns
    that the table's row policies read and the read-only role must therefore be granted. ``shared``: they are nobody's in particular,
    and everybody who may ask by them may know their names, row-level security or not."""

    table: Name
    key: Name = "id"
    name: Name = "name"
    scope: Name | None = None
    needs: tuple[Name, ...] = ()
    shared: bool = False


class Dimension(_Strict):
    """Something to group or filter by: an entity, or a column whose ``values`` are listed with their synonyms.

    ``by_part``: part of a name is enough to mean the thing. False where names are everyday words ("Today", "Reach"):
    then the whole name is needed, and beside the word for its kind when the name is also a word of the business.
    ``said``: how a filter on it is told ("on {}"); left out, by its label ("for campaign {}").
    ``hidden``: used by the file itself (a key, a join path), never offered to people nor understood in a question.
    """

    label: str
    plural: str
    synonyms: tuple[str, ...] = ()
    entity: Entity | None = None
    values: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    by_part: bool = True
    hidden: bool = False
    said: str = Field(default="", pattern=r"^([^{}]*\{\}[^{}]*)?$")

    def words(self) -> tuple[tuple[str, str], ...]:
        """Each listed value with what people call it: its first synonym."""
        return tuple((value, names[0] if names else value.replace("_", " ")) for value, names in self.values.items())


# Every cube with a time can be asked by these; the compiler derives them from its time column, in UTC.
TIME_DIMENSIONS: dict[str, Dimension] = {
    "weekday": Dimension(
        label="weekday",
        plural="weekdays",
        synonyms=("day of week", "day of the week", "days of the week"),
        values={str(number): (name, f"{name}s", name[:3]) for number, name in enumerate(WEEKDAYS, start=1)},
    ),
    "hour_of_day": Dimension(
        label="hour of day",
        plural="hours of the day",
        synonyms=("hour of the day", "time of day", "time of the day"),
        values={str(hour): (f"{hour:02}:00",) for hour in range(24)},
    ),
}


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
    """One figure, of one kind: a ``sum`` of a column (``less`` another one), a ``ratio`` of two such sums, a ``value`` as it stands in its row,
    or a ``sketch`` (serialised Apache DataSketches HLL) of how many different ones there were.

    A sum or value is divided by ``divide`` (micros: 1000000) to come out in its unit. ``additive`` says over what the figure may be added up:
    ``all``, all dimensions but time (``not_over_time``), or nothing; left out, sums are additive and the other kinds are not.
    ``estimate`` says how an estimated figure is made; whoever shows it says so. ``formula`` stands in the glossary in place of what is
    derived from the parts. ``beside`` are measures that always stand beside it: the ends of its interval, what it was counted on.
    """

    label: str
    synonyms: tuple[str, ...] = ()
    description: str
    sum: Name | None = None
    less: Name | None = None
    ratio: Ratio | None = None
    value: Name | None = None
    sketch: Name | None = None
    divide: int = Field(default=1, ge=1)
    unit: Unit = "count"
    better: Literal["up", "down", "neither"] = "up"
    additive: Additive | None = None
    estimate: str = ""
    formula: str = ""
    beside: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Measure:
        given = [name for name in ("sum", "ratio", "value", "sketch") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a measure has exactly one of 'sum', 'ratio', 'value' and 'sketch', not {' and '.join(given) or 'none of them'}")
        if self.less is not None and self.sum is None:
            raise ValueError("'less' is taken off a 'sum', so it needs one")
        if self.additive in ("all", "not_over_time") and self.sum is None:
            raise ValueError(f"a {self.kind} cannot be added up; leave 'additive' out or say none")
        if self.additive == "none" and self.sum is not None:
            raise ValueError("a figure that cannot be added up is no 'sum'; make it a 'value', with the cube's 'keys' saying what one row is")
        if self.divide != 1 and (self.ratio or self.sketch):
            raise ValueError(f"'divide' belongs to a sum or a value; a {self.kind} takes " + ("its 'factor'" if self.ratio else "none"))
        return self

    @property
    def kind(self) -> Kind:
        return "sum" if self.sum else "ratio" if self.ratio else "value" if self.value else "sketch"

    @property
    def adds(self) -> Additive:
        """Over what the figure may be added up."""
        return self.additive or ("all" if self.kind == "sum" else "none")

    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in (self.sum, self.less, self.value, self.sketch) if column)


class TimeColumn(_Strict):
    column: Name
    type: Literal["timestamp", "date"] = "timestamp"


class Freshness(_Strict):
    """Where it is written how far a cube is filled: ``SELECT column FROM table WHERE key = value``."""

    table: Name
    column: Name
    key: Name
    value: str


class Least(_Strict):
    """The minimum cell: rows whose measure is below the count are left out of an answer, which says so."""

    measure: Name
    count: int = Field(ge=2)


class Counts(_Strict):
    """In what a goal is counted: for each value of the dimension, what its units are called."""

    dimension: Name
    called: dict[str, str]


class Cube(_Strict):
    """One fact table, or view, with its measures.

    With a ``time``, ``tables`` gives the table for each base grain; coarser grains come from ``day``. Without one the cube tells how things
    stand now, from the table ``now``, and no period can be asked of it. ``keys`` are the dimensions with one row for each combination.
    ``scope`` is the column with the advertiser; cubes without one are only for those who see everything. ``synthetic`` names the boolean
    column that marks figures of a synthetic audience, which every answer then says. ``title`` heads its part of the help page.
    ``synonyms`` are phrases that ask for the cube as a whole ("how are the experiments doing"), answered with its overview. ``pacing`` is the
    measure that says what share of its goal a row is expected to reach, which makes the cube the one that answers what is on track; a row
    expected below ``pacing_least`` of its goal misses it. ``counts`` then says what its goal is counted in. ``told_by`` are dimensions with what
    is on record about a measured row: how much it weighs (its values in that order) and the verdict in words, last; each has one value for each
    combination of the keys.
    """

    label: str
    title: str = ""
    synonyms: tuple[str, ...] = ()
    description: str = ""
    tables: dict[Literal["hour", "day", "now"], Name]
    time: TimeColumn | None = None
    freshness: Freshness | None = None
    scope: Name | None = None
    synthetic: Name | None = None
    visible_to: tuple[str, ...] = ()
    keys: tuple[Name, ...] = ()
    least: Least | None = None
    dimensions: dict[Name, Name | Through] = Field(default_factory=dict)
    measures: dict[Name, Measure] = Field(min_length=1)
    overview: tuple[Name, ...] = ()
    pacing: Name | None = None
    pacing_least: float = Field(default=1.0, gt=0, le=1)
    counts: Counts | None = None
    told_by: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Cube:
        self._check_tables()
        for name, measure in self.measures.items():
            for part in (measure.ratio.numerator, measure.ratio.denominator) if measure.ratio else ():
                if part not in self.measures or self.measures[part].kind != "sum":
                    raise ValueError(f"ratio '{name}' uses '{part}', which is no summed measure of this cube")
            if measure.kind == "value" and not self.keys:
                raise ValueError(f"'{name}' is a value, so the cube needs 'keys': the dimensions with one row for each combination")
        if unknown := [name for name in self.overview if name not in self.measures]:
            raise ValueError(f"overview names unknown measures: {', '.join(unknown)}")
        if self.pacing and self.pacing not in self.measures:
            raise ValueError(f"pacing names the unknown measure '{self.pacing}'")
        if unknown := [name for measure in self.measures.values() for name in measure.beside if name not in self.measures]:
            raise ValueError(f"'beside' names unknown measures: {', '.join(unknown)}")
        if unknown := [name for name in (*self.told_by, *([self.counts.dimension] if self.counts else [])) if name not in self.dimensions]:
            raise ValueError(f"'told_by' and 'counts' are dimensions of the cube; {', '.join(unknown)} is none")
        if self.synonyms and not self.overview:
            raise ValueError("a cube with synonyms needs an 'overview': the measures to answer with when it is asked for as a whole")
        if unknown := [name for name in self.keys if not isinstance(self.dimensions.get(name), str)]:
            raise ValueError(f"keys must be dimensions with a column of their own in this cube; {', '.join(unknown)} is not")
        if self.least and (self.least.measure not in self.measures or self.measures[self.least.measure].kind not in ("sum", "sketch")):
            raise ValueError(f"least counts a sum or a sketch of this cube; '{self.least.measure}' is neither")
        return self

    def _check_tables(self) -> None:
        if self.time is not None and ("day" not in self.tables or "now" in self.tables):
            raise ValueError("'tables' needs the key 'day' (and may have 'hour'); 'now' is for a cube without 'time'")
        if self.time is None and set(self.tables) != {"now"}:
            raise ValueError("a cube without 'time' tells how things stand: give its table as 'tables: {now: TABLE}', or add its 'time'")
        if self.time is not None and self.time.type == "date" and "hour" in self.tables:
            raise ValueError("a time column of type date holds no hours; leave the table for 'hour' out")

    @property
    def time_dimensions(self) -> tuple[str, ...]:
        """Those of TIME_DIMENSIONS that the cube can be asked by."""
        if self.time is None:
            return ()
        return tuple(name for name in TIME_DIMENSIONS if name not in self.dimensions and (name != "hour_of_day" or "hour" in self.tables))

    def table_for(self, grain: Grain | None, *, hourly: bool) -> str:
        if self.time is None:
            return self.tables["now"]
        return self.tables["hour"] if (grain == "hour" or hourly) and "hour" in self.tables else self.tables["day"]


class SemanticModel(_Strict):
    name: str
    description: str = ""
    currency: str | None = None
    dimensions: dict[Name, Dimension] = Field(default_factory=dict)
    cubes: dict[Name, Cube] = Field(min_length=1)
    ambiguous: dict[str, tuple[Name, ...]] = Field(default_factory=dict, description="Words that could mean several measures")
    examples: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_times(cls, given: Any) -> Any:
        """The built-in dimensions of time are declared with the file's own, which may word them differently."""
        declared = given.get("dimensions") or {} if isinstance(given, dict) else None
        return given | {"dimensions": TIME_DIMENSIONS | declared} if isinstance(declared, dict) else given

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
            columns = {column for column in (cube.time and cube.time.column, cube.scope, cube.synthetic) if column}
            columns |= {column for measure in cube.measures.values() for column in measure.columns()}
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
