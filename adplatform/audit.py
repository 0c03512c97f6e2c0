"""Who stands in the audit log where the machine acted by itself."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

SYSTEM = "system"


def system_actor() -> AbstractBaseUser:
    """An account that nobody can sign in to."""
    users = get_user_model()
    actor, made = users.objects.get_or_create(username=SYSTEM, defaults={"is_active": False, "is_staff": False})
    if made:
        actor.set_unusable_password()
        actor.save(update_fields=["password"])
    return actor
