"""Who may watch which live figures: the groups declared for it and superusers, while their account is active; somebody of an advertiser
sees that advertiser's own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from adplatform.permissions import ADVERTISER_MEMBER, CONTENT_GROUPS, LIVE_GROUPS
from ads.models import AdvertiserMember

from .streams import Stream, kind_of

log = structlog.get_logger(__name__)


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


def rights(user_id: int | None) -> Rights:
    """Asked of the database each time, so that a right taken away ends at the next question. One query."""
    if user_id is None:
        return Rights()
    found = (
        get_user_model().objects.filter(pk=user_id, is_active=True).values_list("is_superuser", "groups__name", "advertiser_membership__advertiser")
    )
    rows = list(found)
    groups = {name for _, name, _ in rows}
    business = any(superuser for superuser, _, _ in rows) or bool(groups & set(LIVE_GROUPS))
    own = rows[0][2] if rows and ADVERTISER_MEMBER in groups and not business else None
    return Rights(business=business, content=business or bool(groups & set(CONTENT_GROUPS)), advertiser=own)


def watch_changes() -> None:
    """From now on a change of somebody's groups or account is told to their open sockets when it commits."""
    m2m_changed.connect(_groups_changed, sender=User.groups.through, dispatch_uid="live-groups")
    post_save.connect(_account_changed, sender=User, dispatch_uid="live-account")
    post_delete.connect(_account_changed, sender=User, dispatch_uid="live-account-gone")
    for change in (post_save, post_delete):
        change.connect(_membership_changed, sender=AdvertiserMember, dispatch_uid=f"live-membership-{id(change)}")


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


def _tell(user_id: int) -> None:
    transaction.on_commit(lambda: _send(user_id), robust=True)


def _send(user_id: int) -> None:
    # In a thread of its own: the caller's may already run an event loop, which cannot be entered twice.
    thread = threading.Thread(target=_send_now, args=(user_id,))
    thread.start()
    thread.join()


def _send_now(user_id: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(user_group(user_id), {"type": "live.permissions"})
    except (redis.RedisError, OSError) as error:
        log.warning("live_permissions_untold", reason=str(error), action="open sockets ask again within a minute")
