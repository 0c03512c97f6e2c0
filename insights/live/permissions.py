"""Who may watch which live figures: the groups declared for it and superusers, while their account is active; somebody of an advertiser
sees that advertiser's own."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import BaseChannelLayer, get_channel_layer
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from adplatform.permissions import ADVERTISER_MEMBER, CONTENT_GROUPS, LIVE_GROUPS
from ads.models import AdvertiserMember

from .streams import Stream, kind_of

log = structlog.get_logger(__name__)

# Who saves an account must not wait for a Redis that hangs.
TELL_SECONDS = 2.0


def user_group(user_id: int) -> str:
    """The channel-layer group of one person's sockets."""
    return f"live.user.{user_id}"


@dataclass(frozen=True, slots=True)
class Rights:
    """``business``: every figure. ``content``: what is watched and left, without money. ``advertiser``: the figures of that one alone."""

    business: bool = False
    content: bool = False
    advertiser: int | None = None

    @property
    def any(self) -> bool:
        return self.business or self.content or self.advertiser is not None

    def narrowed(self, stream: Stream) -> Stream:
        """What is watched of ``stream``. Raises NotAllowed."""
        audience = kind_of(stream).audience
        if self.business or (self.content and audience == "content"):
            return stream
        if self.advertiser is not None and audience == "own":
            return stream.having(advertiser=str(self.advertiser))
        raise NotAllowed(f"{stream.kind} is not among what you may see; ask an administrator for the group")


class NotAllowed(Exception):
    """This person may not see this stream; the message says what to do."""


_OF = ("is_superuser", "groups__name", "advertiser_membership__advertiser")


def rights(user_id: int | None) -> Rights:
    """Asked of the database each time, so that a right taken away ends at the next question. One query."""
    if user_id is None:
        return Rights()
    return _rights(list(get_user_model().objects.filter(pk=user_id, is_active=True).values_list(*_OF)))


def _rights(rows: Sequence[tuple[Any, ...]]) -> Rights:
    groups = {name for _, name, _ in rows}
    business = any(superuser for superuser, _, _ in rows) or bool(groups & set(LIVE_GROUPS))
    own = rows[0][2] if rows and ADVERTISER_MEMBER in groups and not business else None
    return Rights(business=business, content=business or bool(groups & set(CONTENT_GROUPS)), advertiser=own)


Visit = tuple[int, str]


def standing(visits: Iterable[Visit], *, now: datetime) -> dict[Visit, Rights]:
    """The rights of each (user, session key) whose session still stands: not signed out, expired, or older than the password. Two queries,
    however many are asked about."""
    asked = set(visits)
    sessions = {
        one.session_key: one.get_decoded()
        for one in Session.objects.filter(session_key__in={key for _, key in asked}, expire_date__gt=now)
    }  # fmt: skip
    rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    people: dict[int, User] = {}
    found = get_user_model().objects.filter(pk__in={user_id for user_id, _ in asked}, is_active=True)
    for user_id, password, *row in found.values_list("pk", "password", *_OF):
        rows[user_id].append(tuple(row))
        people[user_id] = User(pk=user_id, password=password)
    return {
        (user_id, key): _rights(rows[user_id])
        for user_id, key in asked
        if key in sessions and user_id in people and _is_of(sessions[key], people[user_id])
    }


def _is_of(session: Mapping[str, Any], user: User) -> bool:
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    given = str(session.get(HASH_SESSION_KEY, ""))
    return session.get(SESSION_KEY) == str(user.pk) and any(constant_time_compare(given, one) for one in hashes)


def name_of(session_key: str) -> str:
    """What a session is called in messages; its key opens doors."""
    return salted_hmac("live.session", session_key).hexdigest()


def watch_changes() -> None:
    """From now on a change of somebody's groups or account is told to their open sockets when it commits."""
    m2m_changed.connect(_groups_changed, sender=User.groups.through, dispatch_uid="live-groups")
    post_save.connect(_account_changed, sender=User, dispatch_uid="live-account")
    post_delete.connect(_account_changed, sender=User, dispatch_uid="live-account-gone")
    for change in (post_save, post_delete):
        change.connect(_membership_changed, sender=AdvertiserMember, dispatch_uid=f"live-membership-{id(change)}")
    user_logged_out.connect(_signed_out, dispatch_uid="live-signed-out")


def _groups_changed(sender: Any, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:  # noqa: FBT001
    if action not in ("post_add", "post_remove", "post_clear"):
        return
    # Seen from the group's side a clear names nobody; the sockets' own question every minute finds those.
    for user_id in (pk_set or ()) if reverse else (instance.pk,):
        _tell(user_id)


def _account_changed(sender: Any, instance: User, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    if update_fields != frozenset({"last_login"}):
        _tell(instance.pk)


def _membership_changed(sender: Any, instance: AdvertiserMember, **_: Any) -> None:
    _tell(instance.user_id)


def _signed_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    # Told before the session is deleted, so the message names it: asking the database now would still find it.
    if user is not None and user.pk is not None and (key := request.session.session_key):
        _tell(user.pk, {"type": "live.signed_out", "session": name_of(key)})


def _tell(user_id: int, message: Mapping[str, str] = MappingProxyType({"type": "live.permissions"})) -> None:
    transaction.on_commit(lambda: _send(user_id, dict(message)), robust=True)


def _send(user_id: int, message: dict[str, str]) -> None:
    # In a thread of its own: the caller's may already run an event loop, which cannot be entered twice.
    thread = threading.Thread(target=_send_now, args=(user_id, message))
    thread.start()
    thread.join()


def _send_now(user_id: int, message: dict[str, str]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(_send_soon)(layer, user_group(user_id), message)
    except (redis.RedisError, OSError) as error:
        log.warning("live_permissions_untold", reason=str(error), action="open sockets ask again within a minute")


async def _send_soon(layer: BaseChannelLayer, group: str, message: dict[str, str]) -> None:
    await asyncio.wait_for(layer.group_send(group, message), TELL_SECONDS)
