"""Errors of the API in one shape: problem details (RFC 9457), and the page that says what each kind means.

Whatever below ``/api/`` finds no view, or falls out of one, is answered so too: a tool that asked for JSON never has to read HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.views import defaults

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/problems/"
API = "/api/"
# An address is repeated in the answer, but not a novel.
MOST_ADDRESS = 300

Errors = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Kind:
    """One kind of problem: ``type`` names it for ever, ``words`` say what it means and what to do."""

    name: str
    status: int
    title: str
    words: str

    @property
    def type(self) -> str:
        return ROOT + self.name


KINDS = {
    kind.name: kind
    for kind in (
        Kind("invalid", 400, "Something in it makes no sense",
             "`errors` holds a sentence for each field or parameter; put those right and send it again. Unknown fields and filters are refused too."),
        Kind("unreadable", 400, "It cannot be read", "The body is no JSON, or the request is no sound HTTP."),
        Kind("not-signed-in", 401, "Nobody is signed in",
             "Send a key as `Authorization: Bearer KEY`. Staff make theirs in the admin under API keys, or with `manage.py api_key USER`."),
        Kind("not-allowed", 403, "Not allowed",
             "You are known, but your groups hold no such right, or a write with the session's cookie came without its CSRF token."),
        Kind("not-found", 404, "Not found", "There is no such address or row, or it is another advertiser's: both are answered alike."),
        Kind("wrong-method", 405, "Not this method", "`Allow` names the methods that this address has. Rows are changed with PATCH, never replaced."),
        Kind("not-acceptable", 406, "Not in that form", "Answers are JSON; leave `Accept` out or name `application/json` in it."),
        Kind("wrong-state", 409, "Not in this state",
             "The row is not in a state from which this can be done; `detail` says which it is and what to do."),
        Kind("still-needed", 409, "Still needed", "What was served, or holds other rows, is not deleted; `detail` says what to do instead."),
        Kind("changed-meanwhile", 409, "Changed at the same moment",
             "Somebody else wrote the same row or name just now; read it again and decide anew."),
        Kind("in-progress", 409, "Still being worked on",
             "A request with the same `Idempotency-Key` has no answer yet; ask again after `Retry-After` seconds."),
        Kind("stale", 412, "Changed since you read it",
             "`If-Match` names an older state of the row; read it again, and send what still holds with its new `ETag`."),
        Kind("too-large", 413, "Too large", "The body is larger than such a request may be; `detail` says how large that is."),
        Kind("wrong-media-type", 415, "Not this content type", "Bodies are JSON: send `Content-Type: application/json`."),
        Kind("key-reused", 422, "This key was used for something else",
             "An `Idempotency-Key` stands for one request: same method, address and body. Take a new key for a new request."),
        Kind("too-many-requests", 429, "Too many requests",
             "Wait `Retry-After` seconds. `RateLimit` says in each answer how many are left."),
        Kind("server-error", 500, "A fault of ours",
             "It is in the log with the request's id. Sending the same again, with the same `Idempotency-Key`, is safe."),
        Kind("unavailable", 503, "Not now", "Something that is needed is away for a moment; try again after `Retry-After` seconds."),
    )
}  # fmt: skip
OF_STATUS = {
    400: "invalid", 401: "not-signed-in", 403: "not-allowed", 404: "not-found", 405: "wrong-method", 406: "not-acceptable", 409: "wrong-state",
    412: "stale", 413: "too-large", 415: "wrong-media-type", 422: "key-reused", 429: "too-many-requests", 500: "server-error", 503: "unavailable",
}  # fmt: skip


def problem(kind: str, detail: str, *, instance: str, errors: Errors | None = None) -> dict[str, Any]:
    """The members of the answer. ``errors`` is left out where no field is named."""
    told = KINDS[kind]
    members: dict[str, Any] = {"type": told.type, "title": told.title, "status": told.status, "detail": detail, "instance": instance[:MOST_ADDRESS]}
    return members | ({"errors": {field: list(sentences) for field, sentences in errors.items()}} if errors else {})


def respond(request: HttpRequest, kind: str, detail: str, *, errors: Errors | None = None, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The same as an answer of a plain Django view."""
    members = problem(kind, detail, instance=request.path, errors=errors)
    return JsonResponse(members, status=KINDS[kind].status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def explained(request: HttpRequest, name: str = "") -> HttpResponse:
    """``/api/problems/``: every kind, where ``type`` leads."""
    if name and name not in KINDS:
        return no_such_address(request)
    return render(request, "adplatform/problems.html", {"kinds": KINDS.values(), "chosen": name})


# Where no view answers


def no_such_address(request: HttpRequest, *_: Any) -> HttpResponse:
    """The last pattern below ``/api/``."""
    path = request.path
    known = path.rstrip("/") if path.endswith("/") else f"{path}/"
    hint = f" Did you mean {known}?" if known != path and _leads_somewhere(known) else ""
    return respond(request, "not-found", f"There is nothing at {path[:MOST_ADDRESS]}.{hint} /api/v1/docs/ names every address.")


def _leads_somewhere(path: str) -> bool:
    try:
        return resolve(path).func is not no_such_address
    except Resolver404:
        return False


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``."""
    if not request.path.startswith(API):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return respond(request, "too-large", "The body is larger than any request of this API.")
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        return respond(request, "too-large", "The form has more fields than any request of this API.")
    return respond(request, "unreadable", "The request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler403``."""
    if not request.path.startswith(API):
        return defaults.permission_denied(request, exception)
    return respond(request, "not-allowed", str(exception) or "Your groups do not allow this.")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``CSRF_FAILURE_VIEW``."""
    from django.views.csrf import csrf_failure

    if not request.path.startswith(API):
        return csrf_failure(request, reason)
    return respond(request, "not-allowed", f"{reason.rstrip('.')}. A write with the session's cookie carries its CSRF token as X-CSRFToken.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``."""
    return no_such_address(request) if request.path.startswith(API) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: the log has the traceback, the answer has nothing of it."""
    if not request.path.startswith(API):
        return defaults.server_error(request)
    return respond(request, "server-error", "Something went wrong here, not in what was sent. It was logged; the same request may be sent again.")
