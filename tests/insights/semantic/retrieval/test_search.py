"""What is found for whom: the cards of the model, of names and of verified questions, by words, by words alike and by vectors."""

from __future__ import annotations

import pytest

from ads.models import Advertiser, Campaign
from insights.chat.context import Context
from insights.models import CatalogueCard, VerifiedQuery
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load, parse
from insights.semantic.retrieval import Hit, refresh, search
from insights.semantic.retrieval.names import things
from tests.insights.business import CAMPAIGNS, NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


def asking(scope: Scope = OPERATOR) -> Context:
    return Context(scope, load(), NOW, "USD")


def member(business: Business, advertiser: str) -> Scope:
    return Scope(advertiser=business.advertisers[advertiser], groups=frozenset({"advertiser-member"}))


def refs(hits: list[Hit]) -> list[str]:
    return [hit.ref for hit in hits]


def test_the_words_of_the_business_are_found_exactly_and_slips_by_likeness(business: Business) -> None:
    refresh()
    exact = search("click through rate by device", asking())
    assert {"measure:delivery.ctr", "dimension:device"} <= set(refs(exact)[:3])
    assert next(hit for hit in exact if hit.ref == "measure:delivery.ctr").how == "exact"
    slipped = next(hit for hit in search("impresions", asking())[:3] if hit.ref == "measure:delivery.impressions")
    assert slipped.how == "fuzzy"
    assert "impresion" in slipped.why


def test_names_are_found_with_what_they_belong_to(business: Business) -> None:
    refresh()
    found = search("how is summer blockbuster doing", asking(), kinds=["name"])
    assert found[0].label == "Summer Blockbusters"
    assert "Silver Lantern Pictures" not in found[0].text.split("\n")[0]
    flight = search("autumn flight of matinee classics", asking(), kinds=["name"])
    assert any(hit.label == "Autumn" and "Matinee Classics" in hit.text for hit in flight)


def test_a_second_refresh_writes_nothing_and_a_changed_name_one_card(business: Business) -> None:
    refresh()
    assert (refresh().written, refresh().removed) == (0, 0)
    campaign = Campaign.objects.get(name="Electric Dawn")
    Campaign.objects.filter(pk=campaign.pk).update(name="Electric Dusk")
    assert refresh().written == 1 + campaign.flights.count() + sum(flight.ads.count() for flight in campaign.flights.all())
    assert search("electric dusk", asking())[0].label == "Electric Dusk"
    assert not CatalogueCard.objects.filter(label="Electric Dawn").exists()


def test_what_is_gone_is_gone_from_the_table(business: Business) -> None:
    new = Advertiser.objects.create(name="Gone Tomorrow", category="retail")
    refresh()
    assert CatalogueCard.objects.filter(ref=f"name:advertiser.{new.pk}").exists()
    new.delete()
    assert refresh().removed == 1
    assert not CatalogueCard.objects.filter(ref=f"name:advertiser.{new.pk}").exists()


def test_owners_are_found_along_the_foreign_keys(business: Business) -> None:
    found = things(load())
    for dimension in ("advertiser", "campaign", "flight", "ad"):
        assert {thing.owner for thing in found if thing.dimension == dimension} == set(business.advertisers.values())
    assert {(thing.owner, thing.unscoped) for thing in found if thing.dimension in ("title", "genre")} == {(None, False)}


@pytest.mark.parametrize("advertiser", ["Silver Lantern Pictures", "Volt Motors"])
def test_a_member_gets_no_name_and_no_question_of_another_by_any_route(business: Business, advertiser: str) -> None:
    query = {"intent": "overview", "cube": "delivery", "measures": ["impressions", "clicks"]}
    for other, _, campaign in CAMPAIGNS:
        VerifiedQuery.objects.get_or_create(
            question=f"How is {campaign} of {other} doing?",
            defaults={
                "query": query | {"filters": [{"dimension": "campaign", "values": [business.campaigns[campaign]], "labels": [campaign]}]},
                "state": "verified",
            },
        )
    VerifiedQuery.objects.create(question="Volt Motors against Harbor Coffee", query=query, state="verified")
    VerifiedQuery.objects.create(question="What was not clicked?", query=query, state="verified")
    refresh()
    scope = member(business, advertiser)
    theirs = {campaign for other, _, campaign in CAMPAIGNS if other == advertiser} | {advertiser, "What was not clicked?"}
    strangers = {name for other, _, campaign in CAMPAIGNS if other != advertiser for name in (other, campaign)}
    texts = [*strangers, "Volt Motors against Harbor Coffee", "how is it doing", "electic dwan", "campaigns", "autumn spot", *theirs]
    found = [hit for text in texts for hit in search(text, asking(scope), limit=100)]
    assert {hit.label for hit in found} & theirs
    told = " ".join(f"{hit.label} {hit.text} {hit.why}" for hit in found).lower()
    assert not [name for name in strangers if name.lower() in told]
    assert {hit.label for hit in search("harbor coffee", asking(), limit=100)} >= {"Harbor Coffee", "Volt Motors against Harbor Coffee"}


def test_cubes_that_somebody_may_not_see_are_not_found(business: Business) -> None:
    refresh()
    assert "measure:breaks.fill_rate" in refs(search("fill rate", asking()))
    assert "measure:breaks.fill_rate" not in refs(search("fill rate", asking(member(business, "Volt Motors")), limit=100))
    editors = Scope(groups=frozenset({"editor"}))
    assert {hit.ref.split(".")[0] for hit in search("spend and watch time", asking(editors), limit=100, kinds=["measure"])} <= {
        f"measure:{name}" for name, cube in load().cubes.items() if "editor" in cube.visible_to
    }


def test_a_model_that_is_not_in_the_table_is_looked_through_by_itself(business: Business) -> None:
    bakery = parse(
        "name: Bakery\ncubes:\n  sold:\n    label: bread sold\n    tables: {day: bread}\n    time: {column: at}\n"
        "    measures:\n      loaves: {label: loaves, description: loaves sold, sum: loaves}\n",
        source="bakery",
    )
    assert refs(search("how many loavs", Context(OPERATOR, bakery, NOW, "USD")))[0] == "measure:sold.loaves"
    assert not CatalogueCard.objects.filter(source="Bakery").exists()
