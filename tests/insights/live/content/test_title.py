"""A title's snapshot against SQL written by hand over the raw events and plans of sessions that were really watched."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Genre, Title
from engagement.models import DirectorDecision, DirectorOutcome, Rating, Viewer
from insights.live import store
from insights.live.content import worked
from insights.live.streams import BadStream, kind_of, parse
from insights.tasks import work_out_content
from tests.insights.live.content.history import BEGAN, NOW, Viewing, watch
from tests.media import Films

pytestmark = pytest.mark.django_db
STREAM = "title?title=test-pattern"
MONEY = re.compile(r"micros|revenue|currency|ecpm|price|\bgain|\bearn|EUR|USD", re.IGNORECASE)
MOST_QUERIES = 9


def built(key: str = STREAM) -> dict[str, Any]:
    stream = parse(key)
    body: dict[str, Any] = json.loads(store.dumped(kind_of(stream).build(stream, NOW)))
    return body


def worked_out(key: str = STREAM) -> dict[str, Any]:
    store.watch(parse(key).key)
    work_out_content()
    return built(key)


def by_hand(sql: str, *given: int | str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows = cursor.fetchall()
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows


@pytest.fixture
def history(films: Films) -> Title:
    """Forty met both breaks, half of them one that drives them away; forty met none. Three finished."""
    title = films.pattern
    watch(
        *[Viewing(title, 2, "in the break") for _ in range(6)],
        *[Viewing(title, 2, device="mobile") for _ in range(9)],
        *[Viewing(title, 3, device="mobile") for _ in range(15)],
        *[Viewing(title, 4, "in the break") for _ in range(4)],
        *[Viewing(title, 6, "at the end") for _ in range(6)],
        *[Viewing(title, 2, ads=False) for _ in range(2)],
        *[Viewing(title, 3, ads=False, device="mobile") for _ in range(20)],
        *[Viewing(title, 6, "at the end", ads=False, synthetic=True) for _ in range(18)],
        *[Viewing(films.bars, 1) for _ in range(40)],
    )
    return title


def test_what_was_watched_and_left_equals_sql_over_the_raw_events(history: Title) -> None:
    with CaptureQueriesContext(connection) as queries:
        body = built()
    assert len(queries) <= MOST_QUERIES
    assert not [one for one in queries.captured_queries if "playbackevent" in one["sql"] or "directordecision" in one["sql"]]
    of = history.pk
    events = "engagement_playbackevent e JOIN engagement_playbacksession s ON s.id = e.session WHERE e.valid AND s.title_id = %s"
    assert body["views"] == by_hand(f"SELECT count(DISTINCT e.session) FROM {events} AND e.type = 'playback.scene_start'", of) == 80
    finished = by_hand(f"SELECT count(DISTINCT e.session) FROM {events} AND e.type = 'playback.end'", of)
    assert (body["film"]["completed"]["count"], body["film"]["left"]["count"]) == (finished, 80 - finished)
    assert body["daily"]["total"] == by_hand(f"SELECT count(*) FROM {events} AND e.type = 'playback.session'", of)
    assert sum(body["daily"]["hours"]) == pytest.approx(
        by_hand(f"SELECT sum((e.data->>'watched')::float8) / 3600 FROM {events} AND e.type IN ('playback.scene_end', 'playback.leave')", of), abs=1e-3
    )
    assert body["daily"]["synthetic"] == by_hand("SELECT avg(synthetic::int)::float8 FROM engagement_playbacksession WHERE title_id = %s", of)
    last = (
        "SELECT DISTINCT ON (e.session) e.session, e.scene, e.type FROM engagement_playbackevent e WHERE e.scene IS NOT NULL AND"
        " e.type IN ('playback.scene_start', 'playback.scene_end') ORDER BY e.session, e.occurred_at DESC, e.seq DESC"
    )
    gone = "NOT EXISTS (SELECT 1 FROM engagement_playbackevent x WHERE x.session = l.session AND x.type = 'playback.end')"
    for scene in body["scenes"]:
        pk, measures = scene["id"], scene["measures"]
        started = by_hand("SELECT count(DISTINCT session) FROM engagement_playbackevent WHERE scene = %s AND type = 'playback.scene_start'", pk)
        ended = by_hand(
            "SELECT count(DISTINCT session) FROM engagement_playbackevent WHERE scene = %s AND type = 'playback.scene_end' AND data->'completed' = 'true'",
            pk,
        )
        left = by_hand(f"SELECT count(*) FROM ({last}) l WHERE l.scene = %s AND l.type = 'playback.scene_start' AND {gone}", pk)
        left_after = by_hand(f"SELECT count(*) FROM ({last}) l WHERE l.scene = %s AND l.type = 'playback.scene_end' AND {gone}", pk)
        assert (scene["reached"]["count"], scene["reached"]["of"]) == (started, 80)
        assert {name: measures[name]["count"] for name in ("completed", "left", "left_after")} == {
            "completed": ended, "left": left, "left_after": left_after,
        }, scene["name"]  # fmt: skip
        assert measures["left"]["low"] <= measures["left"]["value"] <= measures["left"]["high"]
    second = [one for one in body["moments"] if one["scene"] == body["scenes"][2]["id"]]
    begun = by_hand("SELECT count(*) FROM engagement_playbackevent WHERE scene = %s AND type = 'playback.scene_start'", body["scenes"][2]["id"])
    seen = by_hand("SELECT count(*) FROM engagement_playbackevent WHERE scene = %s AND type = 'playback.scene_end'", body["scenes"][2]["id"])
    assert [one["saw"]["count"] for one in second] == [begun, seen]
    assert second[0]["retention"] == begun / 80
    assert [one["kind"] for one in body["marks"]].count("drop") >= 1


GONE = """
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM engagement_playbackevent e
    WHERE e.session = s.id AND e.type = 'playback.scene_end' AND e.scene = n.id)),
  count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM engagement_playbackevent e
    WHERE e.session = s.id AND e.type = 'playback.scene_start' AND e.scene = n.id))
FROM engagement_playbacksession s, catalog_scene c, catalog_scene n
WHERE c.title_id = s.title_id AND n.title_id = s.title_id AND n.position = c.position + 1 AND c.id = %s
  AND EXISTS (SELECT 1 FROM engagement_playbackevent e WHERE e.session = s.id AND e.type = 'playback.scene_end' AND e.scene = c.id)
  AND EXISTS (SELECT 1 FROM jsonb_array_elements(s.plan->'breaks') b WHERE (b->>'after')::int = c.position AND b->>'state' = %s)
"""


def test_what_a_break_costs_is_told_from_sessions_that_met_it_beside_those_that_did_not(history: Title) -> None:
    cost = worked_out()["breaks"]
    for one in cost["boundaries"]:
        met, gone, in_break = by_hand(GONE, one["scene"], "filled")[0]
        assert (one["with_ads"]["count"], one["with_ads"]["of"], one["in_break"]["count"]) == (gone, met, in_break)
        met, gone, _ = by_hand(GONE, one["scene"], "left_out")[0]
        assert (one["without"]["count"], one["without"]["of"], one["causes"]) == (gone, met, {"left out": met})
    first, second = cost["boundaries"]
    assert (first["with_ads"]["count"], first["with_ads"]["of"], first["without"]["count"]) == (15, 40, 2)
    assert first["cost"]["value"] == pytest.approx(15 / 40 - 2 / 40)
    assert second["cost"] is None  # ten met the second break with ads: no figure follows from that
    # Both boundaries, each weighted by what can be compared there.
    weights = [40 * 40 / 80, 10 * 18 / 28]
    expected = (weights[0] * (15 - 2) / 40 + weights[1] * (4 / 10 - 0)) / sum(weights)
    assert cost["extra"]["value"] == pytest.approx(expected, abs=1e-5)
    assert cost["extra"]["low"] > 0 and cost["lost"]["value"] == pytest.approx(50 * expected, abs=1e-3)
    assert "more were gone" in cost["words"] and "50 breaks with ads" in cost["words"]


SEEN = """
SELECT s.title_id, sum((e.data->>'watched')::float8) / 60 FROM engagement_playbackevent e JOIN engagement_playbacksession s ON s.id = e.session
WHERE e.type IN ('playback.scene_end', 'playback.leave') AND e.data ? 'watched' GROUP BY s.title_id
"""
MINUTES = """
SELECT c.title_id, sum(a.duration) / 60 FROM catalog_scene c JOIN catalog_mediaasset a ON a.id = c.asset_id WHERE NOT c.optional GROUP BY c.title_id
"""
MOODS = """
SELECT initcap(c.mood), sum(CASE WHEN e.type = 'playback.scene_start' THEN a.duration END),
  sum(CASE WHEN e.type <> 'playback.scene_start' THEN (e.data->>'watched')::float8 END)
FROM engagement_playbackevent e JOIN catalog_scene c ON c.id = e.scene JOIN catalog_mediaasset a ON a.id = c.asset_id GROUP BY 1
"""
ENDED = """
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM engagement_playbackevent e WHERE e.session = s.id AND e.type = 'playback.end'))
FROM engagement_playbacksession s WHERE s.title_id = %s
"""


def test_demand_and_supply_of_the_catalogue_equal_sql_over_the_raw_events(history: Title, films: Films) -> None:
    for number in range(3):
        made = DirectorDecision.objects.create(
            id=f"{number:032x}", session=f"{number:031x}f", title=history.pk, decided_at=NOW, action="suggest", applied=True, suggested=films.bars.pk
        )
        DirectorOutcome.objects.create(decision=made.pk, decided_at=NOW, session=made.session, reached=True, taken=number == 0, judged_at=NOW)
    for number in range(25):
        Viewer.objects.create(name=f"V{number}", ads_consent=True).favourite_genres.add(Genre.objects.get(slug="comedy" if number < 20 else "drama"))
    found = worked_out("content")["weighed"]
    seen, minutes = dict(by_hand(SEEN)), dict(by_hand(MINUTES))
    titles = {"drama": films.pattern.pk, "comedy": films.bars.pk}
    assert {row["slug"] for row in found["genres"]} == set(titles)
    for row in found["genres"]:
        title = titles[row["slug"]]
        demand, supply = seen[title] / sum(seen.values()), minutes[title] / sum(minutes.values())
        assert [row["demand"], row["supply"], row["index"]] == pytest.approx([demand, supply, demand / supply], rel=1e-3)
        assert [row["minutes"], row["hours"]] == pytest.approx([minutes[title], seen[title] / 60], rel=1e-3)
        views, ended = by_hand(ENDED, title)[0]
        assert (row["completed"]["of"], row["completed"]["count"]) == (views, ended)
        assert row["verdict"] == "not enough evidence" and row["low"] < row["index"] < row["high"]
    rows = {row["slug"]: row for row in found["genres"]}
    assert (rows["comedy"]["suggested"]["count"], rows["comedy"]["suggested"]["of"], rows["drama"]["suggested"]["of"]) == (1, 3, 0)
    assert (rows["comedy"]["favourite"], rows["drama"]["favourite"]) == ({"count": 20, "of": 25}, None)  # five are too few to be told apart
    moods = {mood: (watched, offered) for mood, offered, watched in by_hand(MOODS)}
    in_all = [sum(one[part] for one in moods.values()) for part in (0, 1)]
    for row in found["moods"]:
        if row["name"] == "Dusk":  # of the third scene of Colour Bars, which nobody has come to
            assert row["index"] is None and row["words"] == "dusk scenes: nobody has watched it yet."
            continue
        watched, offered = moods[row["name"]]
        assert row["index"] == pytest.approx((watched / in_all[0]) / (offered / in_all[1]), rel=1e-3), row["name"]
    assert [(row["slug"], row["views"]) for row in found["titles"]] == [("test-pattern", 80), ("colour-bars", 40)]
    assert found["opportunities"] == [] and found["synthetic"] == pytest.approx(18 / 120, abs=1e-5)
    assert found["caveats"][0].startswith("Fewer than 3 titles hold the genres")


def test_without_a_break_that_did_not_play_only_the_raw_share_is_known(films: Films) -> None:
    watch(*[Viewing(films.pattern, 2, "in the break") for _ in range(5)], *[Viewing(films.pattern, 6, "at the end") for _ in range(35)])
    cost = worked_out()["breaks"]
    assert cost["extra"] is None and cost["lost"] is None
    assert cost["boundaries"][0]["in_break"] | {"low": 0, "high": 0} == {"value": 0.125, "count": 5, "of": 40, "low": 0, "high": 0}
    assert "Only the raw share that left is known" in cost["words"]


def test_groups_that_are_somebody_are_not_told_and_only_who_agreed_is_known_again(films: Films) -> None:
    viewers = [
        Viewer.objects.create(name=f"V{number}", ads_consent=True, segments=["finishers"], created_at=NOW - timedelta(days=90))
        for number in range(22)
    ]
    before = BEGAN - timedelta(days=2)
    watch(
        *[Viewing(films.pattern, 1, viewer=one, consent=True) for one in viewers],
        *[Viewing(films.bars, 1, viewer=one, consent=True, began=before) for one in viewers[:21]],
        *[Viewing(films.pattern, 6, "at the end", device="mobile") for _ in range(19)],
        *[Viewing(films.pattern, 6, "at the end") for _ in range(4)],
    )
    who = {(one["kind"], one["name"]): (one["left"]["count"], one["left"]["of"]) for one in worked_out()["who"]}
    assert who == {
        ("device", "tv"): (22, 26),
        ("visit", "Came before"): (21, 21),
        ("segment", "Watch most films to their end"): (22, 22),
    }


def test_the_directors_actions_stand_at_their_scene_with_what_came_of_them_and_the_decisions_behind(films: Films) -> None:
    scene = films.pattern.scenes.get(position=2).pk
    for number in range(80):
        at, done = NOW - timedelta(hours=4, minutes=number), number % 2 == 0
        made = DirectorDecision.objects.create(
            id=f"{number:032x}", session=f"{number:031x}f", title=films.pattern.pk, scene=scene, decided_at=at, place=3, intended="tighten",
            action="tighten" if done else "keep", applied=done, arm="director" if done else "control", reason="a thousand such moments earn 12.34 EUR",
            gain=123454321.0, leave_risk=0.25,
        )  # fmt: skip
        watched = 0.9 if done else 0.7
        DirectorOutcome.objects.create(
            decision=made.pk, decided_at=at, session=made.session, reached=True, watched=watched, judged_at=at, revenue_micros=123454321
        )
    director = worked_out()["director"]
    told = {(one["scene"], one["action"]): (one["intended"], one["applied"], one["effect"] and one["effect"]["value"]) for one in director["actions"]}
    assert told == {(scene, "tighten"): (80, 40, pytest.approx(0.2)), (scene, "keep"): (0, 40, None)}
    assert director["overall"]["value"] == pytest.approx(0.2)
    newest = director["newest"]
    assert [one["action"] for one in newest] == ["Tightened a scene", "Kept the plan"] * 3
    assert (newest[0]["watched"], newest[0]["link"]) == (0.9, f"/admin/engagement/directordecision/{0:08x}-0000-0000-0000-{0:012x}/change/")


def test_no_byte_of_money_is_in_what_editors_read(history: Title, films: Films) -> None:
    test_the_directors_actions_stand_at_their_scene_with_what_came_of_them_and_the_decisions_behind(films)
    for key in (STREAM, "content"):
        text = store.dumped(worked_out(key))
        assert not MONEY.search(text), MONEY.search(text)
        assert "123454321" not in text and "12.34" not in text


def test_ratings_have_the_interval_of_a_mean(films: Films) -> None:
    for number, stars in enumerate((5, 4, 3, 4)):
        Rating.objects.create(viewer=Viewer.objects.create(name=f"V{number}"), title=films.pattern, stars=stars, rated_at=NOW)
    half = 1.959964 * (2 / 3) ** 0.5 / 2
    assert worked_out()["ratings"] == {"n": 4, "value": 4.0, "low": pytest.approx(4 - half, abs=1e-5), "high": pytest.approx(4 + half, abs=1e-5)}


def test_a_title_never_watched_has_no_figures_rather_than_zero_percent(films: Films) -> None:
    body = worked_out()
    assert (body["views"], body["daily"]["total"], body["daily"]["synthetic"], body["half_life"]) == (0, 0, None, None)
    assert body["film"]["completed"] == {"value": None, "low": None, "high": None, "count": 0, "of": 0}
    assert {one["reached"]["value"] for one in body["scenes"]} == {None} == {one["retention"] for one in body["moments"]}
    assert body["marks"] == [] and body["who"] == []
    assert body["breaks"]["words"] == "No viewer has met a break with ads in this film in these days."


def test_what_is_not_worked_out_yet_is_missing_and_not_empty(films: Films) -> None:
    body = built()
    assert body["worked_at"] is None and body["breaks"] is None and body["director"] is None and body["precursors"] is None


def test_only_what_is_watched_is_worked_out_and_not_again_while_it_is_fresh(films: Films) -> None:
    assert work_out_content() == []
    store.watch(parse("title?title=test-pattern&days=7").key)
    store.watch("title?title=gone")
    names = [f"title:{films.pattern.pk}:7", "precursors:7"]
    assert work_out_content() == names
    assert work_out_content() == []
    assert worked.stale(names, now=timezone.now() + worked.FRESH) == names


def test_what_another_worker_is_at_is_left_to_it(films: Films) -> None:
    name = f"title:{films.pattern.pk}:28"
    assert worked.claim(name)
    assert work_out_content([name]) == []
    worked.done(name)
    assert work_out_content([name]) == [name]


def test_a_stream_without_a_title_or_of_a_strange_one_is_refused_in_words() -> None:
    for key, words in (("title", "title needs title"), ("title?title=a/b", "no title's address"), ("title?title=a&days=9", "none of 7, 28")):
        with pytest.raises(BadStream, match=words):
            parse(key)
    assert built("title?title=unheard-of") == {"missing": "There is no such title any more."}
