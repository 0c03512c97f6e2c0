"""Who stands in the audit log where the machine acted by itself."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

SYSTEM = "system"


class UnknownActor(ValueError):
    """Nobody of that name has an account."""


def actor_named(name: str | None) -> AbstractBaseUser:
    """Who a command acts for, the machine itself where nobody is named. Raises UnknownActor."""
    if name is None:
        return system_actor()
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(name)
    except users.DoesNotExist as error:
        raise UnknownActor(f"there is no user {name!r}") from error


def system_actor() -> AbstractBaseUser:
    """An account that nobody can sign in to."""
    users = get_user_model()
    actor, made = users.objects.get_or_create(username=SYSTEM, defaults={"is_active": False, "is_staff": False})
    if made:
        actor.set_unusable_password()
        actor.save(update_fields=["password"])
    return actor
