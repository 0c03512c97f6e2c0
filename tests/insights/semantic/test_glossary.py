"""What somebody may ask, and what each figure means, in the words of the model."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from ads.models import Advertiser, AdvertiserMember
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.glossary import formula_of, glossary, meanings
from insights.semantic.loading import load

MODEL = load()
MEMBER = Scope(advertiser=1, groups=frozenset({"advertiser-member"}))


def test_everything_that_may_be_asked_is_told_and_nothing_else() -> None:
    assert [subject.name for subject in glossary(MODEL, OPERATOR)] == list(MODEL.cubes)
    theirs = {subject.name for subject in glossary(MODEL, MEMBER)}
    assert {"delivery", "flights", "audience"} <= theirs
    assert not theirs & {"breaks", "lost", "inventory", "director", "experiments", "models", "playback"}


def test_a_figure_says_what_it_means_how_it_is_formed_and_what_may_be_added_up() -> None:
    [(subject, fill)] = meanings(MODEL, OPERATOR, "fill_rate")
    assert (subject.title, fill.formula, fill.unit) == ("Ad breaks", "filled breaks / ad breaks", "a share, shown in percent")
    assert fill.adds == "never added up: formed anew of the totals"
    [(_, ecpm)] = meanings(MODEL, OPERATOR, "ecpm")
    assert ecpm.formula == "1,000 x spend / impressions"
    delivery = MODEL.cubes["delivery"]
    assert formula_of(delivery, delivery.measures["invalid_impressions"]) == "gross impressions - impressions"
    [(_, lost)] = meanings(MODEL, OPERATOR, "lost_revenue")
    assert "same day, title, genre and device" in lost.estimate


def test_no_subject_or_figure_is_left_without_words() -> None:
    for subject in glossary(MODEL, OPERATOR):
        assert subject.title and subject.about and subject.when, subject.name
        assert subject.examples, subject.name
        for figure in subject.figures:
            assert figure.means and figure.unit and figure.better and figure.adds, figure.name
    assert any("fewer than 20" in note for subject in glossary(MODEL, OPERATOR) for note in subject.notes)


@pytest.mark.django_db
def test_the_help_page_shows_a_member_of_an_advertiser_their_own_subjects() -> None:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user("someone-at-volt", password="a long password")
    user.groups.add(Group.objects.get(name="advertiser-member"))
    AdvertiserMember.objects.create(user=user, advertiser=Advertiser.objects.create(name="Volt", category="automotive"))
    client = Client()
    client.force_login(user)
    page = client.get("/insights/help/").content.decode()
    assert "of your own campaigns" in page
    assert "Flights and goals" in page
    assert "Lost revenue" not in page
    client.force_login(User.objects.create_superuser("root", password="a long password"))
    assert "Lost revenue" in client.get("/insights/help/").content.decode()
