"""Who may watch the live figures: the groups below and superusers, while their account is active."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import Q

GROUPS = ("executive", "ad-ops", "ad-ops-lead", "read-only")


def may_watch(user_id: int | None) -> bool:
    """Asked of the database each time, so that a right taken away ends at the next question. One query."""
    if user_id is None:
        return False
    allowed = Q(is_superuser=True) | Q(groups__name__in=GROUPS)
    return get_user_model().objects.filter(allowed, pk=user_id, is_active=True).exists()
