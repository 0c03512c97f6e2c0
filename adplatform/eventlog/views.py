"""The edge over HTTP: batches of events, and every tracking event as a pixel. Signed by tokens, not by cookies; no query of
its own, only of who listens to the events that a session's player sends here."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from random import SystemRandom
from typing import Any

import msgspec
import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from adplatform.openapi import Operation, document

from . import clicks, heard, ids, ingest, macros, metrics, pixels, sender, stream, tokens
from .envelope import ClientEvent
from .hashing import daily_hash

log = structlog.get_logger("adplatform.eventlog.edge")

BODY_BYTES = 512 * 1024
RETRY_AFTER_SECONDS = "2"
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
View = Callable[..., HttpResponse]


class Batch(msgspec.Struct):
    """Events stay undecoded here, so that one unreadable event does not make the batch unreadable."""

    events: list[msgspec.Raw]
    session_token: str | None = None


_batch = msgspec.json.Decoder(Batch)


def edge(*methods: str) -> Callable[[View], View]:
    """Answers preflights, allows other origins as VAST 4.2 section 1.3.4 asks, without CSRF, since what is sent is signed."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "OPTIONS":
                response = HttpResponse(status=204)
            elif request.method in methods:
                response = view(request, *args, **kwargs)
            else:
                response = HttpResponse(status=405, headers={"Allow": ", ".join((*methods, "OPTIONS"))})
            return _allow_origin(request, response, methods)

        return wrapped

    return decorate


def _allow_origin(request: HttpRequest, response: HttpResponse, methods: tuple[str, ...]) -> HttpResponse:
    origin = request.headers.get("Origin")
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Origin"
    if origin is None:
        return response
    if origin == "null":
        response["Access-Control-Allow-Origin"] = "*"
    else:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        response["Access-Control-Allow-Methods"] = ", ".join((*methods, "OPTIONS"))
        response["Access-Control-Allow-Headers"] = "Content-Type"
        response["Access-Control-Max-Age"] = "86400"
    return response


@edge("POST")
def events(request: HttpRequest) -> HttpResponse:
    """``POST /api/v1/events``: 202 with what was accepted and refused, 400 unreadable, 413 too large, 503 when the log is away."""
    try:
        body = _body(request)
        batch = _batch.decode(body) if body is not None else None
    except (msgspec.DecodeError, UnicodeError, RecursionError, UnreadablePostError):
        metrics.REFUSED.labels(reason="unreadable_body").inc()
        return _error(400, "unreadable_body", "send JSON: {session_token, events: [...]}")
    if batch is None:
        metrics.REFUSED.labels(reason="body_too_large").inc()
        return _error(413, "body_too_large", f"send at most {BODY_BYTES} bytes; split the batch")
    if len(batch.events) > ingest.MOST_EVENTS:
        metrics.REFUSED.labels(reason=ingest.TOO_MANY).inc(len(batch.events))
        return _error(413, ingest.TOO_MANY, f"send at most {ingest.MOST_EVENTS} events at once; split the batch")
    now = datetime.now(UTC)
    session, refusal = ingest.read_session(batch.session_token, now=now)
    accepted = ingest.accept(batch.events, session=session, session_refusal=refusal, received_at=now, **_sender(request, now))
    if not _append(accepted, way="http"):
        return _error(503, "log_unavailable", "keep the events and send them again with the same ids", {"Retry-After": RETRY_AFTER_SECONDS})
    if session is not None and accepted.events:
        heard.tell(session.session, [event for event in accepted.events if event.session == session.session], now)
    refused = [{"index": refusal.index, "reason": refusal.reason} for refusal in accepted.refused]
    return JsonResponse({"accepted": len(accepted.events), "refused": refused}, status=202)


@edge("GET")
def track(request: HttpRequest, event: str, token: str) -> HttpResponse:
    """``GET /t/<event>/<token>``: a 1x1 GIF, or for ``click`` a redirect to the ad's own click-through."""
    event_type = pixels.PIXEL_EVENTS.get(event)
    if event_type is None:
        metrics.REFUSED.labels(reason=ingest.UNKNOWN_TYPE).inc()
        return _error(404, ingest.UNKNOWN_TYPE, f"use one of {', '.join(pixels.PIXEL_EVENTS)}")
    now = datetime.now(UTC)
    sent = {
        "v": 1, "id": str(ids.new_id(now)), "type": event_type, "occurred_at": now.isoformat(), "token": token,
        "seq": pixels.sequence(request.GET), "data": pixels.data(event_type, request.GET),
    }  # fmt: skip
    accepted = ingest.accept([sent], session=None, received_at=now, **_sender(request, now))
    appended = _append(accepted, way="pixel")
    if event == "click":
        return _follow(token, now)
    if accepted.refused:
        return HttpResponse(GIF, status=400, content_type="image/gif")
    if not appended:
        return HttpResponse(GIF, status=503, content_type="image/gif", headers={"Retry-After": RETRY_AFTER_SECONDS})
    return HttpResponse(GIF, content_type="image/gif")


def _follow(text: str, now: datetime) -> HttpResponse:
    """An expired or uncounted click still takes the viewer where the ad promised; a forged one goes nowhere."""
    try:
        token = tokens.read(text, tokens.TrackingToken, now=None)
    except tokens.TokenRefused as refused:
        return _error(400, refused.reason, "this link is not one of ours")
    url = clicks.click_through(token.ad)
    if url is None:
        return _error(404, "no_click_through", "this ad leads nowhere")
    known = {"CACHEBUSTING": macros.number(SystemRandom()), "TIMESTAMP": macros.moment(now), "TRANSACTIONID": str(token.decision), "ADTYPE": "video"}
    return HttpResponseRedirect(macros.expand(url, known))


def _append(accepted: ingest.Accepted, *, way: str) -> bool:
    for refusal in accepted.refused:
        metrics.REFUSED.labels(reason=refusal.reason).inc()
    try:
        stream.append(accepted.events)
    except stream.LogUnavailable as error:
        log.warning("log_unavailable", reason=str(error), events=len(accepted.events))
        return False
    metrics.ACCEPTED.labels(way=way).inc(len(accepted.events))
    return True


def _body(request: HttpRequest) -> bytes | None:
    """The body, or None when it is too large."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > BODY_BYTES:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= BODY_BYTES else None


def _sender(request: HttpRequest, now: datetime) -> dict[str, Any]:
    agent = sender.user_agent(request)
    return {
        "ip_hash": daily_hash(sender.address(request), now=now),
        "ua_hash": daily_hash(agent, now=now),
        "user_agent": agent,
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
    }


def _error(status: int, error: str, words: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": error, "detail": words}, status=status, headers=headers)


class RefusedEvent(msgspec.Struct):
    index: int
    reason: str


class BatchAnswer(msgspec.Struct):
    accepted: int
    refused: list[RefusedEvent]


class BatchBody(msgspec.Struct):
    """The body as documented; the view itself decodes each event alone, see Batch."""

    events: list[ClientEvent]
    session_token: str | None = None


document(
    Operation(
        "/api/v1/events",
        "post",
        "Send a batch of events. Good items are never lost to bad ones.",
        body=BatchBody,
        responses={
            202: ("What was accepted, and what was refused and why", BatchAnswer),
            400: ("The body cannot be read", None),
            413: ("The body is too large, or holds too many events", None),
            503: ("The event log is away: send the same events with the same ids again", None),
        },
        tags=("events",),
    )
)
