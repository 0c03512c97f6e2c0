"""Whose figures somebody may see."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from adplatform.permissions import ASK_GROUPS
from ads.models import AdvertiserMember

from .model import Cube

# They ask over all advertisers.
PAGE_GROUPS = frozenset(ASK_GROUPS)


@dataclass(frozen=True)
class Scope:
    """``advertiser`` limits every row to one advertiser; ``groups`` decide which cubes are visible, None: all of them."""

    advertiser: int | None = None
    groups: frozenset[str] | None = field(default=None)

    def sees(self, cube: Cube) -> bool:
        if self.advertiser is not None and cube.scope is None:
            return False
        return self.groups is None or not cube.visible_to or bool(self.groups & set(cube.visible_to))


OPERATOR = Scope()


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope | None:
    """None for somebody who may ask nothing. Staff groups see every advertiser, an advertiser's member only their own."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return OPERATOR
    groups = frozenset(user.groups.values_list("name", flat=True))
    if groups & PAGE_GROUPS:
        return Scope(groups=groups)
    member = AdvertiserMember.objects.filter(user=user).values_list("advertiser_id", flat=True).first()
    return None if member is None else Scope(advertiser=member, groups=groups | {"advertiser-member"})


def may_open_page(user: AbstractBaseUser | AnonymousUser) -> bool:
    return isinstance(user, User) and user.is_active and (user.is_superuser or user.groups.filter(name__in=PAGE_GROUPS).exists())
