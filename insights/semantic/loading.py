"""Reading a semantic model: one YAML file, or a folder whose files together are one."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from .model import SemanticModel

SHIPPED = Path(__file__).resolve().parent / "intermission"
# What several files of a folder may each have a part of; the rest stands in one of them.
_SHARED = {"dimensions": dict, "cubes": dict, "ambiguous": dict, "examples": list}


# Where the library's own words leave people alone.
_WORDS = {
    "extra_forbidden": "no field has this name; docs/asking.md lists those there are",
    "missing": "it is missing; docs/asking.md says what it holds",
    "string_pattern_mismatch": "a plain name stands here: small letters, digits and _, and no digit first",
}


class SemanticModelError(ValueError):
    """The model cannot be used; the message names the file and what to change."""


def parse(text: str, *, source: str) -> SemanticModel:
    """Raises SemanticModelError for anything but a complete and consistent model."""
    return _validated(_mapping(text, source=source), source=source)


def load(path: Path | str | None = None) -> SemanticModel:
    """The model in the file or folder ``path``, or the shipped one. Raises SemanticModelError."""
    return _shipped() if path is None else _read(Path(path))


@lru_cache(maxsize=1)
def _shipped() -> SemanticModel:
    return _read(SHIPPED)


def _read(path: Path) -> SemanticModel:
    if not path.is_dir():
        return parse(_text(path), source=str(path))
    files = sorted(path.glob("*.yaml"))
    if not files:
        raise SemanticModelError(f"cannot read the semantic model {path}: the folder holds no file that ends in .yaml")
    return _validated(_merged({file.name: _mapping(_text(file), source=str(file)) for file in files}, folder=path), source=str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SemanticModelError(f"cannot read the semantic model {path}: {error}") from error


class _NoDuplicates(yaml.SafeLoader):
    """A key written twice is an error: YAML itself would keep the last and drop the first in silence."""


def _unique(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if twice := next((key for index, key in enumerate(keys) if key in keys[:index]), None):
        raise yaml.constructor.ConstructorError(None, None, f"'{twice}' stands twice in one place", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_NoDuplicates.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique)


def _mapping(text: str, *, source: str) -> dict[str, Any]:
    try:
        raw: Any = yaml.load(text, Loader=_NoDuplicates)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise SemanticModelError(f"{source} is not valid YAML{line}: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(raw, dict):
        raise SemanticModelError(f"{source} must be a mapping with the keys name, dimensions and cubes")
    return raw


def _merged(parts: dict[str, dict[str, Any]], *, folder: Path) -> dict[str, Any]:
    """The files of a folder as one, in the order of their names; nothing may be said twice."""
    whole: dict[str, Any] = {}
    for file, part in parts.items():
        for key, value in part.items():
            kind = _SHARED.get(key)
            if key in whole and kind is None:
                raise SemanticModelError(f"{folder / file}: '{key}' stands in another file of the folder already; keep one")
            if kind is None or not isinstance(value, kind):
                whole[key] = value
            elif kind is list:
                whole[key] = [*whole.get(key, []), *value]
            elif twice := [name for name in value if name in whole.get(key, {})]:
                raise SemanticModelError(f"{folder / file}: {key} {', '.join(map(str, twice))} stand in another file of the folder already; keep one")
            else:
                whole[key] = whole.get(key, {}) | value
    return whole


def _validated(raw: dict[str, Any], *, source: str) -> SemanticModel:
    try:
        return SemanticModel.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SemanticModelError(f"{source}: at {place}: {_WORDS.get(first['type']) or re.sub(r'^Value error, ', '', first['msg'])}") from error
