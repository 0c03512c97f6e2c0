"""Filters of lists are kept under a name by who made them, and lead nowhere but to that list."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from adplatform.permissions import AD_OPS
from ads import saved_filters
from ads.models import SavedFilter

from .inventory import make_ad

pytestmark = pytest.mark.django_db
LIST, FILTERS = "admin:ads_flight_changelist", "admin:ads_flight_filters"


def signed_in(name: str) -> Client:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=AD_OPS))
    client = Client()
    client.force_login(user)
    return client


def test_a_filter_is_kept_shared_renamed_and_removed_by_who_made_it() -> None:
    make_ad()
    mine, other = signed_in("mine"), signed_in("other")
    mine.post(reverse(FILTERS), {"do": "save", "name": "At risk <b>", "query": "standing=at_risk&p=3", "shared": "1"})
    kept = SavedFilter.objects.get()
    assert (kept.query, kept.shared, kept.page) == ("standing=at_risk", True, "ads_flight_changelist")
    page = other.get(reverse(LIST)).text
    assert "At risk &lt;b&gt;" in page
    assert "/admin/ads/flight/?standing=at_risk" in page
    assert "Shared by mine" in page
    assert other.post(reverse(FILTERS), {"do": "remove", "filter": str(kept.pk)}).status_code == 403
    mine.post(reverse(FILTERS), {"do": "rename", "filter": str(kept.pk), "name": "Risky"})
    assert SavedFilter.objects.get().name == "Risky"
    mine.post(reverse(FILTERS), {"do": "remove", "filter": str(kept.pk)})
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("", "q=a", "a name of 1 to 60"),
        ("x" * 61, "q=a", "a name of 1 to 60"),
        ("A", "", "nothing to keep"),
        ("A", "p=4&_popup=1", "nothing to keep"),
        ("A", f"q={'x' * 3000}", "too long"),
    ],
)
def test_what_cannot_be_kept_is_said_in_words(name: str, query: str, words: str) -> None:
    user = User.objects.create_user("mine")
    with pytest.raises(ValidationError, match=words):
        saved_filters.filter_save(actor=user, page="ads_flight_changelist", name=name, query=query, shared=False)


def test_what_is_kept_is_the_query_of_the_list_and_no_address() -> None:
    assert saved_filters.kept_query("?//evil.example/&standing=live&_changelist_filters=x") == "%2F%2Fevil.example%2F=&standing=live"


def test_one_name_is_one_filter_and_somebody_elses_stays() -> None:
    user, other = User.objects.create_user("mine"), User.objects.create_user("other")
    first = saved_filters.filter_save(actor=user, page="ads_flight_changelist", name="A\n b", query="q=a", shared=False)
    again = saved_filters.filter_save(actor=user, page="ads_flight_changelist", name="A b", query="q=b", shared=False)
    assert (first.pk, again.query) == (again.pk, "q=b")
    saved_filters.filter_save(actor=user, page="ads_flight_changelist", name="B", query="q=c", shared=False)
    with pytest.raises(ValidationError, match="already"):
        saved_filters.filter_rename(actor=user, row=again, name="B")
    with pytest.raises(PermissionDenied):
        saved_filters.filter_remove(actor=other, row=again)
    assert list(saved_filters.filters_of(other, "ads_flight_changelist")) == []
