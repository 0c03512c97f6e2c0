"""The reference of the API for people: the schema that is served to tools, as a page. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

METHODS = ("get", "post", "patch", "put", "delete")
REF = "#/components/schemas/"
# The order of the page; what is not named here follows by name.
GROUPS = {
    "selling": ("Selling", "Advertisers, campaigns, flights, ads and ad policies"),
    "creatives": ("Creatives", "Clips, and what stands beside them"),
    "reports": ("Reports", "What was delivered, reached and charged"),
    "decisions": ("Decisions", "Breaks as they were decided, and why"),
    "ads": ("Players and buyers", "A break filled, in every form"),
    "events": ("Tracking", "What players tell"),
    "ask": ("Questions", "The chat, for tools"),
}
MOST_EXAMPLE_DEPTH = 4


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The document as served: it follows from the code alone, so a process builds it once."""
    built: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return built


@lru_cache(maxsize=4)
def _rendered(media_type: str) -> bytes:
    renderer = next(one for one in SpectacularAPIView.renderer_classes if one.media_type == media_type)
    text = renderer().render(schema(), renderer_context={})
    return text.encode() if isinstance(text, str) else text


class SchemaView(SpectacularAPIView):
    def _get_schema_response(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        answer = HttpResponse(_rendered(renderer.media_type), content_type=renderer.media_type)
        answer.headers["Content-Disposition"] = f'inline; filename="intermission.{renderer.format}"'
        return answer


# The page


@dataclass(frozen=True)
class Row:
    """A parameter, or a field of a body."""

    name: str
    type: str
    words: str
    required: bool = False
    place: str = ""
    leads: str = ""


@dataclass(frozen=True)
class Answer:
    status: str
    words: str
    leads: str = ""
    problem: bool = False


@dataclass(frozen=True)
class Described:
    """One operation. ``anchor`` is where it stands on the page."""

    anchor: str
    method: str
    path: str
    summary: str
    words: str
    key: bool
    parameters: list[Row] = field(default_factory=list)
    body: list[Row] = field(default_factory=list)
    body_leads: str = ""
    answers: list[Answer] = field(default_factory=list)
    problems: list[Answer] = field(default_factory=list)
    curl: str = ""


@dataclass(frozen=True)
class Group:
    name: str
    title: str
    words: str
    operations: list[Described]


def groups(document: Mapping[str, Any], base: str) -> list[Group]:
    found: dict[str, list[Described]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                found.setdefault(next(iter(operation.get("tags", [])), "other"), []).append(described(document, path, method, operation, base))
    order = [*GROUPS, *sorted(set(found) - set(GROUPS))]
    return [Group(name, *GROUPS.get(name, (name.capitalize(), "")), found[name]) for name in order if name in found]


def described(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], base: str) -> Described:
    content = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
    body = content[1].get("schema", {}) if content else {}
    answers = [*_answers(document, operation)]
    return Described(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary") or operation["operationId"].replace("_", " ").capitalize(),
        words=operation.get("description", ""),
        key=any("key" in one for one in operation.get("security", [])),
        parameters=[_parameter(document, one) for one in operation.get("parameters", [])],
        body=[*rows(document, body)],
        body_leads=_name(body),
        answers=[answer for answer in answers if not answer.problem],
        problems=[answer for answer in answers if answer.problem],
        curl=curl(document, path, method, operation, base),
    )


def _parameter(document: Mapping[str, Any], one: Mapping[str, Any]) -> Row:
    return Row(one["name"], type_of(document, one.get("schema", {})), _first(one.get("description", "")), one.get("required", False), one["in"])


def _answers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Answer]:
    for status, answer in operation["responses"].items():
        answer = resolve(document, answer)
        content = answer.get("content", {})
        leads = next((_name(one.get("schema", {})) for one in content.values()), "")
        yield Answer(status, answer.get("description", ""), leads, problem=leads == "Problem")


def rows(document: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Row]:
    """The fields of a schema that may be written, those of what it refers to."""
    resolved = resolve(document, body)
    for name, kind in resolved.get("properties", {}).items():
        if not kind.get("readOnly"):
            yield _field(document, resolved, name, kind)


def _field(document: Mapping[str, Any], holder: Mapping[str, Any], name: str, kind: Mapping[str, Any]) -> Row:
    return Row(
        name=name,
        type=type_of(document, kind),
        words=_first(kind.get("description", "")),
        required=name in holder.get("required", []),
        place="read only" if kind.get("readOnly") else "",
        leads=_leads(document, kind),
    )


def schemas(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Row]]]:
    """Every component with what it holds: (name, words, rows)."""
    for name, kind in document["components"]["schemas"].items():
        if "enum" not in kind:
            yield name, _first(kind.get("description", "")), [_field(document, kind, part, of) for part, of in kind.get("properties", {}).items()]


def resolve(document: Mapping[str, Any], kind: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``$ref`` leads to, a schema or an answer that several operations share."""
    if "$ref" not in kind:
        return kind
    _, _, place, name = kind["$ref"].split("/")
    found: Mapping[str, Any] = document["components"][place][name]
    return found


def _name(kind: Mapping[str, Any]) -> str:
    """The component that a schema is, or is a list of."""
    for one in (kind, kind.get("items") or {}, *kind.get("allOf", []), *kind.get("oneOf", []), *kind.get("anyOf", [])):
        if "$ref" in one:
            return str(one["$ref"]).removeprefix(REF)
    return ""


def _leads(document: Mapping[str, Any], kind: Mapping[str, Any]) -> str:
    """The component to read further in; what is one of a few words says so itself."""
    name = _name(kind)
    return "" if name and "enum" in document["components"]["schemas"][name] else name


def type_of(document: Mapping[str, Any], kind: Mapping[str, Any]) -> str:
    """In a few words: ``string (uuid)``, ``list of Flight``, ``integer or null``."""
    if "$ref" in kind:
        found = resolve(document, kind)
        return type_of(document, found) if "enum" in found else _name(kind)
    if "title" in kind:
        return str(kind["title"]).lower()
    for several in ("oneOf", "anyOf", "allOf"):
        if several in kind:
            return " or ".join(dict.fromkeys(type_of(document, one) for one in kind[several]))
    named = kind.get("type", "anything")
    if isinstance(named, list):
        return " or ".join("null" if one == "null" else type_of(document, {**kind, "type": one}) for one in named)
    if named == "array":
        return f"list of {type_of(document, kind.get('items', {}))}"
    if "enum" in kind:
        return " | ".join(str(one) for one in kind["enum"])
    return f"{named} ({kind['format']})" if "format" in kind and kind["format"] not in ("int64", "double") else str(named)


def _first(words: str) -> str:
    """Without the list of choices, which the type names already."""
    return words.split("\n\n*")[0].split("\n*")[0].strip().removeprefix("* ") if not words.startswith("* ") else ""


def curl(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], base: str) -> str:
    """A call to begin with: ids as they stand in the path, the fields that must be there."""
    parts = ["curl"]
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if any("key" in one for one in operation.get("security", [])):
        parts.append('-H "Authorization: Bearer $KEY"')
    sent: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    if "application/json" in sent:
        body = example(document, sent["application/json"].get("schema", {}), partial=method == "patch")
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:], f'"{base}{path}"'])


def example(document: Mapping[str, Any], kind: Mapping[str, Any], *, partial: bool = False, depth: int = 0) -> Any:
    """A value of this schema: what it names as an example or default, else the plainest there is."""
    found = resolve(document, kind)
    for known in ("example", "default", "const"):
        if known in found:
            return found[known]
    if "examples" in found:
        return found["examples"][0]
    if "enum" in found:
        return found["enum"][0]
    if several := found.get("oneOf") or found.get("anyOf") or found.get("allOf"):
        return example(document, several[0], depth=depth + 1)
    named = found.get("type")
    if isinstance(named, list):
        named = named[0]
    if named == "object":
        wanted = found.get("required", []) if not partial else []
        properties = {name: of for name, of in found.get("properties", {}).items() if not of.get("readOnly")}
        chosen = [name for name in properties if name in wanted] or [*properties][:1]
        return {name: example(document, properties[name], depth=depth + 1) for name in chosen} if depth < MOST_EXAMPLE_DEPTH else {}
    plain = {
        "uuid": "0190c2f3-6b1e-4cc2-9b1d-3f6f2a5f1c55",
        "date-time": "2027-06-01T00:00:00Z",
        "date": "2027-06-01",
        "uri": "https://brand.example/",
    }
    return {"integer": 1, "number": 1, "boolean": True, "array": [], "null": None}.get(str(named), plain.get(found.get("format", ""), "…"))


def reference(request: HttpRequest) -> HttpResponse:
    document = schema()
    context = {
        "groups": groups(document, settings.PUBLIC_URL),
        "schemas": list(schemas(document)),
        "title": document["info"]["title"],
        "limits": {"reads": settings.API_READS_PER_MINUTE, "writes": settings.API_WRITES_PER_MINUTE},
    }
    return render(request, "adplatform/api_docs.html", context)
