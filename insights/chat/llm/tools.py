"""What a model may call, as JSON schemas made of SemanticQuery itself and of the part of the catalogue that it was shown."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from insights.chat.intents import HANDLERS
from insights.semantic.query import SemanticQuery

from .catalogue import Part
from .dialect import Tool

Schema = dict[str, Any]
QUERY, WHY, LOOK, ASK = "query_metrics", "explain_change", "list_catalog", "ask_clarification"
# Worked out by us, so that what is shown cannot differ from what is run.
_OURS = {"label", "labels"}
_TIME = "ISO 8601 in UTC, such as 2026-11-03T00:00:00Z"


_WORDS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"words": {"type": "string"}, "means": {"type": "string"}},
        "required": ["words", "means"],
        "additionalProperties": False,
    },
    "description": "Each of unread_words with the part of the query it stands for; a word of mere courtesy means nothing",
}
_CHOICES = {
    "type": "array",
    "items": {"type": "string"},
    "description": "At most three whole questions to choose from, in the labels of the catalogue",
}


def tools(part: Part) -> list[Tool]:
    query = _query(part)
    why = {name: query["properties"][name] for name in ("cube", "measures", "filters", "period", "baseline", "words")}
    return [
        _tool(QUERY, "Read figures, list names, or define a figure.", query),
        _tool(WHY, "Find out why one figure moved in a period.", _object(why, ["measures", "period"])),
        _tool(LOOK, "Look for figures and names that were not shown.", _object({"search": {"type": "string"}}, ["search"])),
        _tool(
            ASK, "Ask back where the question could mean several things, or where the catalogue has no answer.", _object({"choices": _CHOICES}, [])
        ),
    ]


def _tool(name: str, description: str, parameters: Schema) -> Tool:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _query(part: Part) -> Schema:
    """Without references, null branches, patterns and defaults: not every endpoint takes the whole of JSON Schema."""
    schema = deepcopy(_whole())
    measure, dimension = {"type": "string", "enum": part.measures()}, {"type": "string", "enum": part.dimensions()}
    properties: Schema = schema["properties"]
    properties["words"] = _WORDS
    properties["intent"]["enum"] = list(HANDLERS)
    properties["cube"] = {"type": "string", "enum": list(part.cubes)}
    properties["measures"]["items"] = measure
    properties["dimensions"]["items"] = dimension
    for name in ("filters", "focus"):
        filtered = properties[name]["items"]["properties"]
        filtered["dimension"] = dimension
        filtered["values"]["items"] = {"type": "string", "description": "A listed value, or a reference such as campaign#12"}
    properties["having"]["items"]["properties"]["measure"] = measure
    properties["order"]["properties"]["measure"] = measure
    for name in ("period", "baseline"):
        properties[name]["properties"]["start"] = {"type": "string", "description": _TIME}
        properties[name]["properties"]["end"] = {"type": "string", "description": f"{_TIME}; not included"}
    return schema


@lru_cache(maxsize=1)
def _whole() -> Schema:
    whole = SemanticQuery.model_json_schema()
    return dict(_plain(whole, whole.get("$defs", {})))


def _plain(schema: Any, definitions: Schema) -> Any:
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        kept = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
        if len(kept) == 1:
            return _plain(kept[0], definitions)
    left_out = {"$defs", "title", "default", "pattern", "description"}
    return {
        name: {key: _plain(value, definitions) for key, value in part.items() if key not in _OURS}
        if name == "properties"
        else _plain(part, definitions)
        for name, part in schema.items()
        if name not in left_out
    }
