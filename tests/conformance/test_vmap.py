"""Our VMAP as @dailymotion/vmap reads it: of every demo title, with the ads inside, of a title without breaks, and with what means no good."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from ads.formats import vast, vmap
from ads.placement import FilmScene, PlacedBreak, placed
from ads.policy import forget, policy_for
from catalog.models import Title
from tests.ads.formats.creatives import make_creative
from tests.ads.formats.vmap_rules import problems
from tests.conformance import node

API = "https://ads.example/api/v1"
HOSTILE = ["a]]>b", '"><vmap:AdBreak/>', "\x00\x0b\ufffe", "&amp;&lt;", "\U0001f697"]
TRACKING = {name: f"https://ads.example/t/{name}/x?code=[ERRORCODE]" for name in vmap.EVENTS}


def told(one: PlacedBreak, *, title: str = "x", **changes: Any) -> vmap.AdBreak:
    tag = f"{API}/vast?title={title}&break={one.id}&position={one.position}"
    return vmap.AdBreak(**{"id": one.id, "time_offset": vmap.time_offset(one), "ad_tag": tag, "tracking": TRACKING, **changes})


@pytest.fixture(scope="module")
def titles(django_db_setup: None, django_db_blocker: Any) -> dict[str, tuple[PlacedBreak, ...]]:
    """The breaks of every demo title, as seeded; nothing of it stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        for command in ("seed_catalogue", "seed_ads"):
            call_command(command, verbosity=0)
        forget()
        found = {title.slug: placed(film_of(title), policy_for(title.pk)) for title in Title.objects.prefetch_related("scenes__asset")}
        transaction.set_rollback(True)
    forget()
    return found


def film_of(title: Title) -> list[FilmScene]:
    return [FilmScene(scene.asset.look["seconds"], scene.optional, scene.break_after) for scene in title.scenes.all() if scene.asset]


@pytest.fixture(scope="module")
def documents(titles: dict[str, tuple[PlacedBreak, ...]]) -> dict[str, str]:
    one = PlacedBreak("b2", 2, "mid", 0, 3723.25, 30.0, 2, 0.5)
    pod = vast.document([make_creative(0), make_creative(1)])
    found = {slug: vmap.document([told(each, title=slug) for each in breaks]) for slug, breaks in titles.items()}
    found |= {"empty": vmap.document([]), "inline": vmap.document([told(one, ad_tag="", vast=pod)])}
    found["inline, no ad"] = vmap.document([told(one, ad_tag="", vast=vast.document([], error_url=f"{API}/e"))])
    return found | {f"hostile {number}": vmap.document([told(one, title=text, id=text + "b2")]) for number, text in enumerate(HOSTILE)}


@pytest.fixture(scope="module")
def read(documents: dict[str, str]) -> dict[str, Any]:
    return node.run("vmap.mjs", {"documents": documents})


def test_every_document_keeps_the_rules(documents: dict[str, str]) -> None:
    assert {name: found for name, document in documents.items() if (found := problems(document))} == {}


@pytest.mark.django_db  # So that there is a database to seed.
def test_the_breaks_of_every_demo_title_are_read_in_order(read: dict[str, Any], titles: dict[str, tuple[PlacedBreak, ...]]) -> None:
    assert len(titles) >= 12
    assert sum(bool(breaks) for breaks in titles.values()) >= 12
    for slug, breaks in titles.items():
        assert read[slug]["faults"] == []
        assert [one["id"] for one in read[slug]["breaks"]] == [one.id for one in breaks]
        for one in read[slug]["breaks"]:
            assert one["adTag"] == {"templateType": "vast4", "uri": f"{API}/vast?title={slug}&break={one['id']}&position={position(one)}"}
            assert (one["breakType"], bool(one["repeatAfter"]), one["source"]["allowMultipleAds"]) == ("linear", False, "true")
            assert one["events"] == list(vmap.EVENTS)
            assert one["sent"][2].endswith("code=303"), "the player fills in the code of the error"


def position(one: dict[str, Any]) -> str:
    return {"start": "pre", "end": "post"}.get(one["timeOffset"], "mid")


def test_a_title_without_breaks_is_read_as_one(read: dict[str, Any]) -> None:
    assert read["empty"] == {"version": "1.0", "breaks": [], "faults": []}


def test_the_ads_inside_are_read_by_a_vast_parser(read: dict[str, Any]) -> None:
    (one,), (none,) = read["inline"]["breaks"], read["inline, no ad"]["breaks"]
    assert (one["timeOffset"], one["adTag"], one["vast"]["version"]) == ("01:02:03.250", None, "4.2")
    assert one["vast"]["servingIds"] == [make_creative(slot).serving_id for slot in (0, 1)]
    assert none["vast"]["servingIds"] == []
    assert read["inline"]["faults"] == []


def test_what_means_no_good_stays_where_it_was_written(read: dict[str, Any]) -> None:
    for number, text in enumerate(HOSTILE):
        (one,) = read[f"hostile {number}"]["breaks"]
        kept = text.replace("\x00\x0b\ufffe", "")
        assert one["id"] == f"{kept}b2"
        assert one["adTag"]["uri"].startswith(f"{API}/vast?title=")
        assert read[f"hostile {number}"]["faults"] == []


@given(st.floats(0, 86_399))
def test_every_moment_of_a_film_is_a_time_offset(seconds: float) -> None:
    assert problems(vmap.document([told(PlacedBreak("b1", 1, "mid", 0, seconds, 30.0, 2, 0.5))])) == []


def test_a_break_is_asked_for_in_one_place() -> None:
    for ad_tag, inside in (("https://x.example/", "<VAST/>"), ("", "")):
        with pytest.raises(ValueError, match="needs an ad tag or its VAST"):
            vmap.document([vmap.AdBreak("b1", "start", ad_tag=ad_tag, vast=inside)])
