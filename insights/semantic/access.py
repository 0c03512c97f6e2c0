"""Whose figures somebody may see."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from adplatform.permissions import ADVERTISER_MEMBER, ASK_GROUPS
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
    """None for somebody who may ask nothing. Those who run the business see every advertiser; somebody of an advertiser, by group and by
    membership as on the live pages, only that one's rows."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return OPERATOR
    groups = frozenset(user.groups.values_list("name", flat=True))
    if groups & PAGE_GROUPS:
        return Scope(groups=groups)
    if ADVERTISER_MEMBER not in groups:
        return None
    member = AdvertiserMember.objects.filter(user=user).values_list("advertiser_id", flat=True).first()
    return None if member is None else Scope(advertiser=member, groups=groups)


def may_open_page(user: AbstractBaseUser | AnonymousUser) -> bool:
    return scope_of(user) is not None
