"""OpenAPI for views that are no DRF views: each room documents its own, from the msgspec types that the view really reads and writes.

drf-spectacular builds the rest; ``add_documented_views`` is its postprocessing hook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

PROBLEM = "application/problem+json"
COMPONENT = "#/components/schemas/{name}"


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str  # path or query
    schema: Mapping[str, Any]
    required: bool = True
    description: str = ""


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``responses`` maps a status to (what it means, JSON type or None)."""

    path: str
    method: str
    summary: str
    responses: Mapping[int, tuple[str, Any]]
    body: Any = None
    parameters: Sequence[Parameter] = ()
    tags: Sequence[str] = field(default_factory=tuple)


_documented: dict[tuple[str, str], Operation] = {}


def document(operation: Operation) -> None:
    _documented[operation.path, operation.method] = operation


def add_documented_views(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular hook: add every documented operation and the schemas it uses."""
    operations = sorted(_documented.values(), key=lambda one: (one.path, one.method))
    types = [kind for one in operations for kind in (one.body, *(kind for _, kind in one.responses.values())) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=COMPONENT)
    of_type = iter(schemas)
    result.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for one in operations:
        described: dict[str, Any] = {
            "operationId": f"{one.method}_{one.path.strip('/').replace('/', '_').replace('{', '').replace('}', '')}",
            "summary": one.summary,
            "tags": list(one.tags),
            "parameters": [_parameter(parameter) for parameter in one.parameters],
        }
        if one.body is not None:
            described["requestBody"] = {"required": True, "content": {"application/json": {"schema": next(of_type)}}}
        described["responses"] = {
            str(status): {"description": words} | ({"content": {"application/json": {"schema": next(of_type)}}} if kind is not None else {})
            for status, (words, kind) in one.responses.items()
        }
        result["paths"].setdefault(one.path, {})[one.method] = described
    _share_problems(result)
    # By name, so that the file that is kept changes where the API does and nowhere else.
    result["paths"] = dict(sorted(result["paths"].items()))
    for place in ("responses", "schemas"):
        result["components"][place] = dict(sorted(result["components"][place].items()))
    return result


def _share_problems(result: dict[str, Any]) -> None:
    """The same refusal stands once: what one operation may answer is read in a line, and not in eight."""
    shared = result["components"].setdefault("responses", {})
    for methods in result["paths"].values():
        for operation in methods.values():
            for status, answer in operation.get("responses", {}).items():
                name = f"Problem{status}"
                if PROBLEM in answer.get("content", {}) and shared.setdefault(name, answer) == answer:
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
