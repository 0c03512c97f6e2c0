"""Who may watch the live figures: the groups declared for it and superusers, while their account is active."""

from __future__ import annotations

import threading
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save

from adplatform.permissions import LIVE_GROUPS

log = structlog.get_logger(__name__)


def user_group(user_id: int) -> str:
    """The channel-layer group of one person's sockets."""
    return f"live.user.{user_id}"


def may_watch(user_id: int | None) -> bool:
    """Asked of the database each time, so that a right taken away ends at the next question. One query."""
    if user_id is None:
        return False
    allowed = Q(is_superuser=True) | Q(groups__name__in=LIVE_GROUPS)
    return get_user_model().objects.filter(allowed, pk=user_id, is_active=True).exists()


def watch_changes() -> None:
    """From now on a change of somebody's groups or account is told to their open sockets when it commits."""
    m2m_changed.connect(_groups_changed, sender=User.groups.through, dispatch_uid="live-groups")
    post_save.connect(_account_changed, sender=User, dispatch_uid="live-account")
    post_delete.connect(_account_changed, sender=User, dispatch_uid="live-account-gone")


def _groups_changed(sender: Any, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:  # noqa: FBT001
    if action not in ("post_add", "post_remove", "post_clear"):
        return
    # Seen from the group's side a clear names nobody; the sockets' own question every minute finds those.
    for user_id in (pk_set or ()) if reverse else (instance.pk,):
        _tell(user_id)


def _account_changed(sender: Any, instance: User, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    if update_fields != frozenset({"last_login"}):
        _tell(instance.pk)


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
