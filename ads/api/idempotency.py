"""``Idempotency-Key``: a write that is sent twice happens once, and is answered the same.

The key is claimed by a row of its own, committed before any work begins. Work and answer are then one transaction that holds that row's
lock: who comes meanwhile finds it locked and is told to wait; after a crash the lock is gone with the connection, the row has no answer,
and whoever sends the request again works on it. So there is no time after which a claim must be guessed dead, and never work done twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from ads.models import IdempotentRequest

from .problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FORM = re.compile(r"[\x21-\x7e]{1,128}")
KEPT = timedelta(hours=24)
METHODS = frozenset({"POST", "PATCH", "DELETE"})
# What may be otherwise a moment later says nothing for good: the same request may be tried again.
PASSING = frozenset({401, 403, 409, 429})
# Told again with the answer; the others are of the one exchange.
HEADERS = ("ETag", "Location")

Handler = Callable[..., Any]


def key_of(request: Request) -> str | None:
    """The key of a write, None where there is none. Raises ValidationError in words."""
    key = request.headers.get(HEADER)
    if key is None or request.method not in METHODS:
        return None
    if not FORM.fullmatch(key):
        raise ValidationError({HEADER: ["A key is 1 to 128 visible ASCII characters, for example a UUID."]})
    return str(key)


def once(view: Any, handler: Handler, key: str) -> Handler:
    """``handler`` of ``view``, run at most once for this person and key."""

    def answered(request: Request, *args: Any, **kwargs: Any) -> Any:
        now, print_ = timezone.now(), fingerprint(request)
        _claim(request.user.pk, key, print_, now)
        with transaction.atomic():
            row = _locked(request.user.pk, key, print_)
            if row.status is not None:
                return _replay(row)
            response = _worked(view, handler, request, args, kwargs)
            _keep(row, response)
        return response

    return answered


def _claim(user: Any, key: str, print_: str, now: datetime) -> None:
    IdempotentRequest.objects.filter(user=user, key=key, created_at__lt=now - KEPT).delete()
    IdempotentRequest.objects.bulk_create([IdempotentRequest(user_id=user, key=key, fingerprint=print_)], ignore_conflicts=True)


def _locked(user: Any, key: str, print_: str) -> IdempotentRequest:
    kept = IdempotentRequest.objects.filter(user=user, key=key)
    if kept.exclude(fingerprint=print_).exists():
        raise Problem("key-reused", f"The key {key} was used for another request in the last {KEPT // timedelta(hours=1)} hours; take a new one.")
    row = kept.select_for_update(skip_locked=True).first()
    if row is None:
        raise Problem("in-progress", "The first request with this key is still being worked on; ask again.", headers={"Retry-After": "1"})
    return row


def _worked(view: Any, handler: Handler, request: Request, args: Any, kwargs: Any) -> Any:
    try:
        with transaction.atomic():
            return handler(request, *args, **kwargs)
    except Exception as error:  # noqa: BLE001 (the view's own handler tells a refusal from a fault, which it raises again)
        return view.handle_exception(error)


def _keep(row: IdempotentRequest, response: Any) -> None:
    if response.status_code in PASSING or response.status_code >= 500:
        row.delete()
        return
    told = {name: response.headers[name] for name in HEADERS if name in response.headers}
    row.status = response.status_code
    row.content_type = getattr(response, "content_type", None) or "application/json"
    row.body = json.dumps({"headers": told, "body": _text(response)})
    row.save(update_fields=["status", "content_type", "body"])


def _text(response: Any) -> str:
    if isinstance(response, Response):
        return "" if response.data is None else json.dumps(response.data, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return str(response.content.decode())


def _replay(row: IdempotentRequest) -> HttpResponse:
    kept = json.loads(row.body)
    content_type = row.content_type if kept["body"] else None
    answer = HttpResponse(kept["body"], status=row.status, content_type=content_type, headers={**kept["headers"], REPLAYED: "true"})
    if not kept["body"]:
        del answer.headers["Content-Type"]
    return answer


def fingerprint(request: Request) -> str:
    """SHA-256 over what makes two requests the same: method, address, the state they were meant for, and every byte that was sent."""
    found = hashlib.sha256()
    for part in _parts(request):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def _parts(request: Request) -> Iterator[bytes]:
    plain = request._request
    yield from (text.encode() for text in (plain.method or "", plain.get_full_path(), request.headers.get("If-Match", "")))
    if not request.content_type.startswith(("multipart/", "video/")):
        yield plain.body
        return
    # Boundaries differ each time, and a video does not fit into memory: field by field, and files by their pieces.
    for name, values in sorted(request.POST.lists()):
        yield from (f"{name}={value}".encode() for value in values)
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            yield f"{name}:{file.name}".encode()
            yield from file.chunks()
            file.seek(0)


def forget(*, now: datetime) -> int:
    """Let go of answers that nobody is promised any more. How many."""
    count, _ = IdempotentRequest.objects.filter(created_at__lt=now - KEPT).delete()
    return count
