"""Playback over HTTP: open a session, its playlists, its timeline map, and why an ad was chosen."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from adplatform.eventlog import tokens
from adplatform.eventlog.stream import LogUnavailable
from catalog import hls
from catalog.selectors import MediaNotReady, TitleNotFound, WatchableTitle, title_for_watching
from engagement.models import Device
from engagement.site import current

from . import polling, why
from .asking import local_time
from .publishing import State, UnknownSession, load
from .sessions import Opened, session_open
from .timeline import media_playlist, timeline

MPEGURL = "application/vnd.apple.mpegurl"


class OpenRequest(msgspec.Struct):
    """Body of ``POST /api/v1/playback``. ``timezone`` is the browser's IANA zone; ``hour`` plays another hour of the day than
    the clock there shows; ``came_from`` is the decision of the Director that suggested this title."""

    title: str
    tab: str = ""
    device: Literal["tv", "desktop", "mobile", "tablet"] | None = None
    hour: int | None = None
    timezone: str = ""
    restart: bool = False
    came_from: uuid.UUID | None = None


_open_request = msgspec.json.Decoder(OpenRequest)


def problem(status: int, reason: str, words: str) -> JsonResponse:
    response = JsonResponse({"error": reason, "detail": words}, status=status)
    response["Cache-Control"] = "no-store"
    return response


# Exempt: without a JSON body nothing happens, and other sites cannot send one with this site's cookies.
@csrf_exempt
@require_POST
@never_cache
def open_playback(request: HttpRequest) -> HttpResponse:
    if request.content_type != "application/json":
        return problem(415, "not_json", "send the body as application/json")
    try:
        wanted = _open_request.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, "unreadable", f"the body cannot be read: {error}")
    if "\x00" in wanted.tab + wanted.title + wanted.timezone:
        return problem(400, "unreadable", "title and tab are plain text")  # PostgreSQL has no character for NUL
    if len(wanted.tab) > 40 or (wanted.hour is not None and not 0 <= wanted.hour <= 23):
        return problem(400, "unreadable", "tab has at most 40 characters, and hour is 0 to 23")
    try:
        title = title_for_watching(wanted.title)
        opened = _opened(request, wanted, title)
    except TitleNotFound as error:
        return problem(404, "unknown_title", str(error))
    except MediaNotReady as error:
        return problem(409, "title_not_ready", str(error))
    except LogUnavailable:
        return problem(503, "log_unavailable", "playback cannot start just now; try again in a moment")
    return JsonResponse(_described(opened, title), status=201)


def _opened(request: HttpRequest, wanted: OpenRequest, title: WatchableTitle) -> Opened:
    now, viewer = timezone.now(), current.viewer_of(request)
    around = current.around(request, zone=wanted.timezone, hour=wanted.hour, now=now)
    local = local_time(viewer if viewer and viewer.ads_consent else None, around, now)
    return session_open(
        title=title,
        viewer=viewer,
        tab=wanted.tab,
        device=wanted.device or current.demo_device(request) or Device.DESKTOP,
        hour=local.hour if around.hour is None else around.hour,
        around=around,
        restart=wanted.restart,
        came_from=wanted.came_from,
        now=now,
    )


def _described(opened: Opened, title: WatchableTitle) -> dict[str, Any]:
    session = opened.session
    query = f"?token={opened.token}"
    return {
        "session": str(session.pk),
        "session_token": opened.token,
        "playlist": reverse("hls-master", args=[opened.token]) + f"?epoch={opened.state.plan.epoch}",
        "socket": f"/ws/playback/{session.pk}/{query}",
        "timeline_url": reverse("playback-timeline", args=[session.pk]) + query,
        "resume_at": round(opened.resume_at, 3),
        "reopened": opened.reopened,
        "title": {"id": title.id, "slug": title.slug, "name": title.name, "genres": list(title.genres), "poster": title.poster_url},
        "scenes": [{"id": scene.id, "name": scene.name, "mood": scene.mood, "position": scene.position} for scene in title.scenes],
        "timeline": timeline(opened.state.plan, version=opened.state.version, now=timezone.now()),
    }


def with_session(view: Callable[[HttpRequest, tokens.SessionToken], HttpResponse], text: str, request: HttpRequest) -> HttpResponse:
    """Call ``view`` with the session that ``text`` proves; forged, expired and unknown ones get the reason."""
    try:
        token = tokens.read(text, tokens.SessionToken, now=timezone.now().timestamp())
        response = view(request, token)
    except tokens.TokenRefused as refused:
        return problem(403, refused.reason, "this playback session is not yours or is over; open the title again")
    except UnknownSession:
        return problem(404, "unknown_session", "there is no such playback session; open the title again")
    response["Cache-Control"] = "no-store"
    return response


@require_GET
def master_playlist(request: HttpRequest, token: str) -> HttpResponse:
    def view(request: HttpRequest, session: tokens.SessionToken) -> HttpResponse:
        state = load(session.session)
        return _stale_epoch(request, state) or HttpResponse(hls.master(f"media.m3u8?epoch={state.plan.epoch}"), content_type=MPEGURL)

    return with_session(view, token, request)


@require_GET
def media_list(request: HttpRequest, token: str) -> HttpResponse:
    def view(request: HttpRequest, session: tokens.SessionToken) -> HttpResponse:
        state = load(session.session)
        stale = _stale_epoch(request, state)
        if stale:
            return stale
        state = polling.polled(state, now=timezone.now())
        return HttpResponse(media_playlist(state.plan), content_type=MPEGURL)

    return with_session(view, token, request)


def _stale_epoch(request: HttpRequest, state: State) -> HttpResponse | None:
    """A page left open over the idle time must not mix two playlists: what it has is no prefix of the new one."""
    asked = request.GET.get("epoch")
    if asked is None or asked == str(state.plan.epoch):
        return None
    return problem(410, "epoch_over", "this session went on elsewhere with a new playlist; open the title again")


@require_GET
def timeline_map(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    def view(request: HttpRequest, session: tokens.SessionToken) -> HttpResponse:
        _refuse_other(session, session_id)
        state = load(session_id)
        return JsonResponse(timeline(state.plan, version=state.version, now=timezone.now()))

    return with_session(view, request.GET.get("token", ""), request)


@require_GET
def why_this_ad(request: HttpRequest, session_id: uuid.UUID, decision: uuid.UUID) -> HttpResponse:
    def view(request: HttpRequest, session: tokens.SessionToken) -> HttpResponse:
        _refuse_other(session, session_id)
        plan = load(session_id).plan
        decided = next((one for one in plan.breaks if one.decision == decision), None)
        if decided is None:
            return problem(404, "unknown_decision", "no break of this session was decided by this decision")
        explanation = why.explanation(decision)
        if explanation is None:
            return problem(404, "not_kept", "the explanation of this decision is not kept any more")
        return JsonResponse(why.told(explanation, decided, plan.position_of(decided)))

    return with_session(view, request.GET.get("token", ""), request)


def _refuse_other(session: tokens.SessionToken, session_id: uuid.UUID) -> None:
    if session.session != session_id:
        raise tokens.TokenRefused("wrong_session")
