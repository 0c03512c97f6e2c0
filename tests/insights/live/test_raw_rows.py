"""Every figure of the executive page against SQL written by hand over the raw rows: events, ledger and decisions as the consumer stored them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.envelope import Event, Position
from adplatform.eventlog.partitions import days_around, ensure_partitions
from ads.models import Ad, AdvertiserMember
from ads.serving import serve_break
from catalog.models import Genre, MediaAsset, Scene, Title
from engagement.models import PlaybackSession
from insights.live.business import alerts, trend
from insights.live.business import now as now_stream
from insights.live.business.choices import choices
from insights.live.permissions import rights
from insights.live.streams import Stream, parse
from tests.ads.inventory import make_ad, make_request, track

NOW = datetime(2026, 6, 3, 20, 37, 30, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# Before NOW, in minutes: of this quarter of an hour, of today, of yesterday before and after the same minute, of the day before.
MOMENTS = (0, 0, 0, 1, 2, 4, 7, 11, 14, 33, 61, 140, 300, 700, 1200, 1400, 1439, 1441, 1443, 1460, 1500, 1700, 2600, 2881, 2900)


@dataclass
class World:
    titles: list[Title]
    ads: list[Ad]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Rolled back as a whole: all tests of the module read the same business."""
    stream.client().flushdb()
    with django_db_blocker.unblock(), transaction.atomic():
        ensure_partitions(days_around(NOW.date(), back=3, ahead=1))
        made = World(_titles(), _ads())
        for number, back in enumerate(MOMENTS):
            at = NOW - back * MINUTE - timedelta(seconds=20)
            _break(made, number, at)
            _viewing(made, number, at)
        consumer.drain(now=NOW)
        yield made
        transaction.set_rollback(True)


def _titles() -> list[Title]:
    made = []
    for name, genre in (("Ember Coast", "drama"), ("Neon Harbor", "sci-fi")):
        title = Title.objects.create(name=name, slug=name.lower().replace(" ", "-"))
        title.genres.add(Genre.objects.get_or_create(slug=genre, defaults={"name": genre.title()})[0])
        for position in (1, 2):
            asset = MediaAsset.objects.create(kind="scene", key=f"{title.slug}-{position}", duration=30.0)
            Scene.objects.create(title=title, position=position, name=f"Scene {position}", mood="calm", intensity=0.5, asset=asset)
        made.append(title)
    return made


def _ads() -> list[Ad]:
    shared: dict[str, Any] = {"starts_at": NOW - 9 * DAY, "ends_at": NOW + 9 * DAY}
    return [
        make_ad(advertiser="Volt Motors", bid_micros=30_000_000, **shared),
        # Two of one advertiser never stand in one break.
        make_ad(
            advertiser="Volt Motors",
            pricing="cpc",
            goal_type="clicks",
            bid_micros=9_000_000,
            targeting={"include": {"devices": ["mobile"]}},
            **shared,
        ),
        make_ad(advertiser="Silver Lantern", bid_micros=20_000_000, **shared),
    ]


def _where(world: World, number: int) -> tuple[Title, str, str]:
    return world.titles[number % 2], ("drama", "sci-fi")[number % 2], ("tv", "mobile", "desktop")[number % 3]


def _break(world: World, number: int, at: datetime) -> None:
    """One break; its ads are seen, some to the end, some are clicked, one has an end that comes too soon and one a click before it was seen."""
    title, genre, device = _where(world, number)
    request = make_request(title=title.pk, genres=(genre,), device=device, max_ads=3, session=uuid.UUID(int=number + 1, version=4))
    for place, ad in enumerate(serve_break(request, now=at).ads):
        if (number + place) % 5 == 4:
            continue
        if number % 7 == 3:
            track(ad.token, "ad.click", at=at + timedelta(seconds=1))
            continue
        track(ad.token, "ad.impression", at=at + timedelta(seconds=2))
        if (number + place) % 2:
            track(ad.token, "ad.complete", at=at + timedelta(seconds=12 if number % 6 else 3))
        if (number + place) % 3 == 0:
            track(ad.token, "ad.click", at=at + timedelta(seconds=6))


def _viewing(world: World, number: int, at: datetime) -> None:
    title, genre, device = _where(world, number)
    scenes = [scene.pk for scene in title.scenes.order_by("position")]
    session = PlaybackSession.objects.create(
        id=ids.new_id(at), title=title, device=device, hour=at.hour, started_at=at, last_seen_at=at, synthetic=number % 4 == 0
    )

    def happened(kind: str, after: float, scene: int | None = None, **data: Any) -> Event:
        when = at + timedelta(seconds=after)
        return Event(
            id=ids.new_id(when), type=kind, occurred_at=when, received_at=when, session=session.pk, seq=round(after * 10), title=title.pk,
            position=None if scene is None else Position(scene, 0.0), data=data, synthetic=session.synthetic,
        )  # fmt: skip

    decided = {"alternatives": [], "features": {}, "milliseconds": 1.0, "reason": "Because.", "engagement": (number % 10) / 10}
    stream.append([
        happened("playback.session", 0, genres=[genre], device=device),
        happened("playback.scene_start", 1, scenes[0]),
        happened("director.decision", 1, scenes[0], action=("keep", "tighten", "suggest")[number % 3], applied=number % 3 > 0, **decided),
        happened("playback.scene_end", 5, scenes[0], watched=3.25, duration=4.0, completed=number % 2 == 0),
        happened("playback.scene_end", 6, scenes[0], watched=9_000.0, completed=True),
        happened("playback.leave", 8, scenes[1], watched=1.5),
    ])  # fmt: skip


# Each raw table by itself; {where} narrows it, {d} is its decision where the device or the title is not on the row.
AD_EVENTS = """
    SELECT date_trunc('minute', e.occurred_at, 'UTC') AS m,
      count(*) FILTER (WHERE e.valid AND e.type = 'ad.impression') AS impressions, count(*) FILTER (WHERE e.valid AND e.type = 'ad.click') AS clicks,
      count(*) FILTER (WHERE e.valid AND e.type = 'ad.complete') AS completes, count(*) FILTER (WHERE e.type = 'ad.impression') AS gross
    FROM ads_adevent e JOIN ads_decision d ON d.id = e.decision JOIN ads_campaign c ON c.id = e.campaign WHERE {where} GROUP BY 1"""
LEDGER = """
    SELECT date_trunc('minute', l.occurred_at, 'UTC') AS m, sum(l.amount_micros) AS revenue
    FROM ads_ledgerentry l JOIN ads_decision d ON d.id = l.decision JOIN ads_campaign c ON c.id = l.campaign_id WHERE {where} GROUP BY 1"""
DECISIONS = """
    SELECT date_trunc('minute', d.decided_at, 'UTC') AS m, sum((d.request->>'max_ads')::int) AS offered, sum(jsonb_array_length(d.slots)) AS filled
    FROM ads_decision d WHERE {where} GROUP BY 1"""
WATCHING = """
    SELECT date_trunc('minute', d.occurred_at, 'UTC') AS m, count(*) FILTER (WHERE d.type = 'playback.session') AS sessions,
      sum(round((d.data->>'watched')::numeric * 1000)) FILTER (WHERE d.type IN ('playback.scene_end', 'playback.leave')) AS watched,
      count(*) FILTER (WHERE d.type = 'playback.scene_start') AS starts,
      count(*) FILTER (WHERE d.type = 'playback.scene_end' AND d.data->'completed' = 'true') AS ends
    FROM (SELECT e.*, jsonb_build_object('device', p.device, 'genres', jsonb_build_array(g.slug)) AS request FROM engagement_playbackevent e
      JOIN engagement_playbacksession p ON p.id = e.session JOIN catalog_title_genres tg ON tg.title_id = p.title_id
      JOIN catalog_genre g ON g.id = tg.genre_id) d
    WHERE d.valid AND {where} GROUP BY 1"""
DIRECTED = """
    SELECT date_trunc('minute', d.decided_at, 'UTC') AS m, count(*) FILTER (WHERE d.applied AND d.action NOT IN ('keep', 'suggest')) AS changes,
      sum(d.engagement) AS felt, count(d.engagement) AS predictions
    FROM (SELECT o.*, jsonb_build_object('device', p.device, 'genres', jsonb_build_array(g.slug)) AS request FROM engagement_directordecision o
      JOIN engagement_playbacksession p ON p.id = o.session JOIN catalog_title_genres tg ON tg.title_id = p.title_id
      JOIN catalog_genre g ON g.id = tg.genre_id) d
    WHERE {where} GROUP BY 1"""
# Filter -> its condition on the rows that are sold, and on those of breaks and viewers (None: not kept so).
Narrowed = tuple[str, str | None]


def narrowed(world: World) -> dict[str, Narrowed]:
    campaign, advertiser, title = world.ads[0].flight.campaign_id, world.ads[0].flight.campaign.advertiser_id, world.titles[0].pk
    here, there = f"d.title = {title}", "d.request->>'device' = 'mobile'"
    return {
        "": ("true", "true"),
        f"campaign={campaign}": (f"c.id = {campaign}", None),
        f"advertiser={advertiser}": (f"c.advertiser_id = {advertiser}", None),
        f"title={title}": (here, here),
        "device=mobile": (there, there),
        "genre=drama": ("d.request->'genres'->>0 = 'drama'", "d.request->'genres'->>0 = 'drama'"),
        f"device=mobile&title={title}": (f"{here} AND {there}", f"{here} AND {there}"),
    }


Minutes = dict[datetime, dict[str, float]]


def raw(where: Narrowed) -> Minutes:
    found: Minutes = {}
    for statement, condition in ((AD_EVENTS, where[0]), (LEDGER, where[0]), (DECISIONS, where[1]), (WATCHING, where[1]), (DIRECTED, where[1])):
        if condition is None:
            continue
        with connection.cursor() as cursor:
            cursor.execute(statement.format(where=condition))
            names = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                found.setdefault(row[0].astimezone(UTC), {}).update({name: float(value or 0) for name, value in zip(names[1:], row[1:], strict=True)})
    return found


def figures(minutes: Minutes, since: datetime, until: datetime, *, sold: bool) -> dict[str, Any]:
    """By hand, of [since, until)."""
    rows = [row for minute, row in minutes.items() if since <= minute < until]

    def total(name: str) -> float:
        return sum(row.get(name, 0) for row in rows)

    def share(part: str, whole: str) -> Any:
        return round(total(part) / total(whole), 6) if total(whole) else None

    return {
        "impressions": total("impressions"),
        "revenue": total("revenue"),
        "ecpm": round(total("revenue") * 1000 / total("impressions")) if total("impressions") else None,
        "ctr": share("clicks", "impressions"),
        "completion_rate": share("completes", "impressions"),
        "invalid_share": round((total("gross") - total("impressions")) / total("gross"), 6) if total("gross") else None,
        "fill_rate": None if sold else share("filled", "offered"),
        "director_changes": None if sold else total("changes"),
        "optimisations": None if sold else total("changes"),
        "sessions": None if sold else total("sessions"),
        "watch_hours": None if sold else round(total("watched") / 3_600_000, 4),
        "engagement": None if sold else share("ends", "starts"),
    }


def built(build: Any, text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(build(parse(text), NOW)))
    return made


def asked(kind: str, *params: str) -> str:
    given = "&".join(filter(None, params))
    return f"{kind}?{given}" if given else kind


TILES = ("impressions", "revenue", "ecpm", "ctr", "completion_rate", "invalid_share", "fill_rate", "director_changes")


def test_every_tile_and_minute_is_what_the_raw_rows_say_under_every_filter(world: World) -> None:
    midnight, minute = NOW.replace(hour=0, minute=0, second=0), NOW.replace(second=0)
    for params, where in narrowed(world).items():
        sold, minutes = where[1] is None, raw(where)
        made = built(now_stream.build, asked("now", params))
        today = figures(minutes, midnight, midnight + DAY, sold=sold)
        before = figures(minutes, midnight - DAY, minute - DAY, sold=sold)
        for name in TILES:
            told = made["tiles"][name]
            assert (told["value"], told["before"]) == (today[name], before[name]), (params, name)
            for at, value in zip(made["series"]["minutes"], told["spark"], strict=True):
                since = datetime.fromisoformat(at)
                assert value == figures(minutes, since, since + MINUTE, sold=sold)[name], (params, name, at)
        felt = [row for at, row in minutes.items() if minute - 5 * MINUTE < at <= minute and row.get("predictions")]
        mean = None if sold or not felt else sum(row["felt"] for row in felt) / sum(row["predictions"] for row in felt)
        assert made["tiles"]["engagement"]["value"] == (None if mean is None else pytest.approx(mean, abs=1e-4)), params
        assert made["tiles"]["active_sessions"]["value"] == (None if sold else _active(params, world)), params
        assert sum(one["revenue"] for one in made["campaigns"]) == today["revenue"]


def _active(params: str, world: World) -> int:
    conditions = ["last_seen_at >= %s", "started_at <= %s", "ended_at IS NULL"]
    conditions += ["device = 'mobile'"] if "device" in params else []
    conditions += [f"title_id = {world.titles[0].pk}"] if "title" in params or "genre" in params else []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM engagement_playbacksession WHERE {' AND '.join(conditions)}", [NOW - timedelta(seconds=30), NOW])
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(("span", "step", "behind"), [("15m", MINUTE, 15 * MINUTE), ("24h", HOUR, DAY), ("7d", DAY, 7 * DAY)])
def test_every_bucket_of_every_trend_is_what_the_raw_rows_say(world: World, span: str, step: timedelta, behind: timedelta) -> None:
    began = min(raw(("true", "true"))).replace(hour=0, minute=0)
    for params, where in narrowed(world).items():
        sold, minutes = where[1] is None, raw(where)
        made = built(trend.build, asked("trend", f"range={span}", params))
        starts = [datetime.fromisoformat(at) for at in made["buckets"]]
        whole = figures(minutes, starts[0], starts[-1] + step, sold=sold)
        until = made["before"] and datetime.fromisoformat(made["before"]["until"])
        for name, told in made["measures"].items():
            expected = [figures(minutes, at, at + step, sold=sold)[name] for at in starts]
            assert told["values"] == expected, (params, name)
            earlier = [figures(minutes, at - behind, min(at - behind + step, until), sold=sold)[name] for at in starts]
            assert told["before"] == (earlier if span != "15m" else [*earlier[:-1], None]), (params, name)
            assert told["total"] == whole[name]
            counted = figures(minutes, starts[0] - behind, until, sold=sold)[name] if began <= starts[0] - behind else None
            assert told["total_before"] == counted, (params, name)
            assert told["total_same"] == figures(minutes, starts[0], until + behind if span != "24h" else NOW, sold=sold)[name], (params, name)
        _assert_parts(made, where, starts[0], starts[-1] + step)


def _assert_parts(made: Mapping[str, Any], where: Narrowed, since: datetime, until: datetime) -> None:
    keys = {"by_campaign": "l.campaign_id", "by_title": "d.title", "by_genre": "d.request->'genres'->>0"}
    for part, key in keys.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, sum(l.amount_micros) FROM ads_ledgerentry l JOIN ads_decision d ON d.id = l.decision"
                f" JOIN ads_campaign c ON c.id = l.campaign_id WHERE {where[0]} AND l.occurred_at >= %s AND l.occurred_at < %s GROUP BY 1",
                [since, until],
            )
            booked = {key: int(total) for key, total in cursor.fetchall()}
        told = {line["id"]: line["revenue"] for line in made[part]}
        assert {key: total for key, total in told.items() if total} == {key: total for key, total in booked.items() if total}
        assert sum(told.values()) == made["measures"]["revenue"]["total"]


def test_somebody_of_an_advertiser_finds_nothing_of_another_in_any_byte(world: World) -> None:
    volt, lantern = world.ads[0].flight, world.ads[2].flight
    user = User.objects.create_user("mia")
    user.groups.add(Group.objects.get_or_create(name="advertiser-member")[0])
    AdvertiserMember.objects.create(user=user, advertiser=volt.campaign.advertiser)
    for flight in (volt, lantern):
        flight.balance.refresh_from_db()
        flight.budget_micros = flight.balance.booked_micros + 1
        flight.save()
    alerts.work_out(now=NOW)
    assert [one["kind"] for one in built(now_stream.build, "now")["feed"]].count("budget") == 2
    found = rights(user.pk)
    told = [json.dumps(choices(found))]
    for text in ("now", "trend", f"now?campaign={lantern.campaign_id}", f"trend?range=7d&advertiser={lantern.campaign.advertiser_id}"):
        watched: Stream = found.narrowed(parse(text))
        made = (now_stream if watched.kind == "now" else trend).build(watched, NOW)
        told.append(json.dumps(made))
        if "campaign=" in text:
            assert made["tiles"]["impressions"]["value"] == 0, "another's campaign is empty for them"
        for name in ("active_sessions", "engagement", "fill_rate", "director_changes", "success_rate", "model_accuracy"):
            assert watched.kind != "now" or made["tiles"][name]["value"] is None
    text = "".join(told)
    for name in (lantern.campaign.advertiser.name, lantern.campaign.name):
        assert f'"{name}' not in text and f"{name} /" not in text
    assert volt.campaign.name in text
