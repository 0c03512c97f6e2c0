"""Every error of the staff API as problem details (RFC 9457): what Django REST framework raises, in `adplatform.problems`' kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from adplatform.keys import HOW
from adplatform.problems import KINDS, MEDIA_TYPE, OF_STATUS, problem

# What is wrong with the whole of it rather than with one field goes by these names.
WHOLE = ("detail", "non_field_errors", "__all__", "")
NOBODY = f"Send a key as `Authorization: Bearer KEY`. {HOW}"


class Problem(exceptions.APIException):
    """Raise one of `adplatform.problems.KINDS` from a view; ``headers`` go with it."""

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind, self.headers, self.status_code = kind, dict(headers or {}), KINDS[kind].status


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """What a view of the staff API answers to an exception; None lets a fault of ours fall through to `adplatform.problems.server_error`."""
    error = _of_framework(error)
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    kind, headers = kind_of(error), dict(getattr(error, "headers", {}))
    if auth := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait + 0.5)))
    errors, whole = told(error)
    members = problem(kind, _in_short(errors, whole), instance=context["request"].path, errors=errors)
    return Response(members, status=members["status"], headers=headers, content_type=MEDIA_TYPE)


def _of_framework(error: Exception) -> Exception:
    if isinstance(error, Http404):
        return exceptions.NotFound(str(error) or None)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, RequestDataTooBig):
        return Problem("too-large", "The body is larger than such a request may be.")
    return error


def kind_of(error: exceptions.APIException) -> str:
    if isinstance(error, Problem):
        return error.kind
    if isinstance(error, exceptions.ParseError):
        return "unreadable"
    return OF_STATUS.get(error.status_code, "invalid" if status.is_client_error(error.status_code) else "server-error")


def told(error: exceptions.APIException) -> tuple[dict[str, list[str]], list[str]]:
    """Sentences by field, and those about the whole."""
    if isinstance(error, exceptions.NotAuthenticated):
        return {}, [f"Nobody is signed in. {NOBODY}"]
    errors: dict[str, list[str]] = {}
    for path, sentence in _sentences(error.detail, ""):
        errors.setdefault(path, []).append(sentence)
    whole = [sentence for name in WHOLE for sentence in errors.pop(name, [])]
    return errors, whole


def _sentences(detail: Any, path: str) -> Iterator[tuple[str, str]]:
    """Nested errors by the path that leads to them: ``frequency_caps[1].count``."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _sentences(inner, path if name in WHOLE else f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list | tuple):
        for place, inner in enumerate(detail):
            yield from _sentences(inner, path if isinstance(inner, str) else f"{path}[{place}]")
    else:
        yield path, str(detail)


def _in_short(errors: Mapping[str, list[str]], whole: list[str]) -> str:
    if whole or not errors:
        return " ".join(whole)
    field, sentences = next(iter(errors.items()))
    others = len(errors) - 1
    return f"{field}: {sentences[0]}" + (f" And {others} more; see errors." if others else "")
