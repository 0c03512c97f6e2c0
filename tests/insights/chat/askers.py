"""People who ask: committed once for the tests of a file, because answers are found and stored in threads with connections of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from ads.models import AdvertiserMember
from insights.models import Conversation
from tests.insights.business import Business


@dataclass
class Askers:
    clients: dict[str, Client] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Client:
        return self.clients[name]


@contextmanager
def opened(business: Business) -> Iterator[Askers]:
    """eve and otto of the business, silver and volt of two advertisers, vera who only watches."""
    askers = Askers()
    people = {"eve": "executive", "otto": "ad-ops", "vera": "viewer", "silver": "advertiser-member", "volt": "advertiser-member"}
    try:
        for name, group in people.items():
            user = User.objects.create_user(name)
            user.groups.add(Group.objects.get_or_create(name=group)[0])
            askers.clients[name] = Client()
            askers.clients[name].force_login(user)
        for name, advertiser in (("silver", "Silver Lantern Pictures"), ("volt", "Volt Motors")):
            AdvertiserMember.objects.create(user=User.objects.get(username=name), advertiser_id=business.advertisers[advertiser])
        yield askers
    finally:
        Conversation.objects.all().delete()
        Session.objects.all().delete()
        User.objects.filter(username__in=people).delete()
