"""Who may watch the live figures: the groups declared for it and superusers, while their account is active."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import Q

from adplatform.permissions import LIVE_GROUPS


def may_watch(user_id: int | None) -> bool:
    """Asked of the database each time, so that a right taken away ends at the next question. One query."""
    if user_id is None:
        return False
    allowed = Q(is_superuser=True) | Q(groups__name__in=LIVE_GROUPS)
    return get_user_model().objects.filter(allowed, pk=user_id, is_active=True).exists()
