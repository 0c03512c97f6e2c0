"""The declared features of every kind of model as a page: what docs/features.md holds, and `manage.py describe_features` prints."""

from __future__ import annotations

from collections.abc import Mapping

from . import training
from .schema import Feature, FeatureSchema

HEAD = """# Features

Every column a model may see is declared once, in a schema that builds the row when it is served; training reads the same row back from
the log. This page is written by `manage.py describe_features --write`; a test fails when it is not what the code says.

**Owner** is the room whose data it is: who to ask when a column drifts or stops being filled. **Privacy** `consent`: without the viewer's
consent the column is empty, when it is served and so in training too. Numbers are clipped to their range; a value outside its range in
training data stops the training. An empty column stops it too, except where it says *may be empty* or needs consent.
"""


def page() -> str:
    schemas: dict[str, dict[str, FeatureSchema]] = {}
    for kind in training.kinds():
        schema = training.recipe_for(kind).schema
        schemas.setdefault(schema.fingerprint(), {})[kind] = schema
    return "\n".join([HEAD, *(_section(same) for same in schemas.values())])


def _section(same: Mapping[str, FeatureSchema]) -> str:
    """Of the kinds that see the same columns."""
    schema = next(iter(same.values()))
    beaten = [f"`{one.prior}` by {kind}" for kind, one in same.items() if one.prior]
    lines = [
        f"## Models of kind {' and '.join(same)}",
        "",
        f"Schema version {schema.version}, fingerprint `{schema.fingerprint()}`."
        + (f" Columns that are predictions themselves, and have to be beaten: {', '.join(beaten)}." if beaten else ""),
        "",
        "| feature | owner | privacy | type | range | what it is |",
        "|---|---|---|---|---|---|",
        *(f"| `{one.name}` | {one.owner} | {one.privacy} | {_type(one)} | {_range(one)} | {_words(one)} |" for one in schema.features),
    ]
    if schema.terms:
        crosses = ", ".join(" x ".join(term) for term in schema.terms if len(term) > 1)
        lines += ["", f"Linear models have a weight for each value of single columns, and for each pair of values of: {crosses}."]
    return "\n".join([*lines, ""])


def _type(feature: Feature) -> str:
    if feature.categories is not None:
        return "category"
    return "id" if feature.identity else "number"


def _range(feature: Feature) -> str:
    if feature.categories is not None:
        return ", ".join(feature.categories)
    return "any" if feature.identity else f"{feature.low:g} to {feature.high:g}"


def _words(feature: Feature) -> str:
    notes = [feature.description]
    if feature.exposure:
        notes.append("decided after scoring: learned as it came, served as the lowest")
    if feature.optional:
        notes.append("may be empty")
    return "; ".join(note for note in notes if note)
