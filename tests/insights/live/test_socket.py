"""The socket and the page through the real application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from channels_redis.core import RedisChannelLayer
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from adplatform.asgi import application
from ads.models import Advertiser, AdvertiserMember
from insights import consumers
from insights.live import keeper, permissions, store, streams
from insights.live.streams import Kind

pytestmark = pytest.mark.django_db(transaction=True)


def a_user(name: str, *groups: str, superuser: bool = False) -> Client:
    user = User.objects.create_user(name, password="a long password", is_superuser=superuser)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    client = Client()
    client.force_login(user)
    return client


def channel_layer() -> RedisChannelLayer:
    return get_channel_layer()


GROUP = store.group(store.MAIN)


def publish(fence: int, n: int, key: str = store.MAIN, *, figure: int | None = None) -> dict[str, str]:
    body = json.dumps({"figure": n if figure is None else figure, "n": n})
    content = store.content_of(body)
    known = {"stream": key, "version": [fence, n], "content": content, "built_at": "2026-11-20T14:37:12+00:00", "every": 1.0, "log": {}}
    meta = json.dumps(known)
    lease = store.Lease("a test", fence)
    store.client().set(store.LEASE_KEY, lease.value)
    assert store.keep(lease, key, meta=meta, body=body)
    return {"type": "live.tick", "stream": key, "fence": str(fence), "n": str(n), "content": content, "meta": meta, "body": body}


def communicator(client: Client | None, origin: str = "http://localhost") -> WebsocketCommunicator:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if client:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()))
    return WebsocketCommunicator(application, "/ws/live/", headers=headers)


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[WebsocketCommunicator]:
    async with all_connected(client) as (socket,):
        yield socket


@asynccontextmanager
async def all_connected(*clients: Client) -> AsyncIterator[list[WebsocketCommunicator]]:
    sockets = [communicator(client) for client in clients]
    for socket in sockets:
        accepted, _ = await socket.connect()
        assert accepted
    yield sockets
    for socket in sockets:
        await socket.disconnect()
    await channel_layer().close_pools()


async def closed(socket: WebsocketCommunicator) -> int:
    while (message := await asyncio.wait_for(socket.receive_output(5), 6))["type"] != "websocket.close":
        continue
    code: int = message["code"]
    return code


async def next_version(socket: WebsocketCommunicator) -> list[int]:
    message = json.loads(await socket.receive_from(timeout=5))
    assert message["type"] == "snapshot"
    version: list[int] = message["snapshot"]["version"]
    return version


async def test_an_anonymous_socket_is_refused() -> None:
    accepted, _ = await communicator(None).connect()
    assert not accepted


async def test_a_viewer_is_refused() -> None:
    accepted, _ = await communicator(await database_sync_to_async(a_user)("viewer", "viewer")).connect()
    assert not accepted


async def test_a_foreign_origin_is_refused() -> None:
    executive = await database_sync_to_async(a_user)("eve", "executive")
    accepted, _ = await communicator(executive, origin="https://elsewhere.example").connect()
    assert not accepted


@pytest.mark.parametrize("group", ["executive", "ad-ops", "ad-ops-lead", "read-only"])
async def test_those_who_may_watch_get_the_last_snapshot_at_once(group: str) -> None:
    publish(7, 3)
    async with connected(await database_sync_to_async(a_user)("someone", group)) as socket:
        assert await next_version(socket) == [7, 3]


async def test_newer_snapshots_are_relayed_and_older_ones_dropped() -> None:
    publish(7, 3)
    layer = channel_layer()
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [7, 3]
        for fence, n in ((7, 2), (6, 99), (7, 4), (8, 1)):
            await layer.group_send(GROUP, publish(fence, n))
        assert await next_version(socket) == [7, 4]
        assert await next_version(socket) == [8, 1]


async def test_a_slow_page_loses_stale_snapshots_and_keeps_its_connection() -> None:
    publish(1, 1)
    layer = channel_layer()
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [1, 1]
        for n in range(2, 8):
            await layer.group_send(GROUP, publish(1, n))
        assert [await next_version(socket) for _ in range(2)] == [[1, 2], [1, 3]]
        assert await socket.receive_nothing(0.2)
        newest = [1, 3]
        while newest != [1, 7]:
            await socket.send_to(text_data='{"type": "seen"}')
            newer = await next_version(socket)
            assert newer > newest
            newest = newer


async def test_a_paused_page_gets_nothing_until_it_resumes() -> None:
    publish(1, 1)
    layer = channel_layer()
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [1, 1]
        await socket.send_to(text_data='{"type": "pause"}')
        assert await socket.receive_nothing(0.1)
        await layer.group_send(GROUP, publish(1, 2))
        assert await socket.receive_nothing(0.2)
        await socket.send_to(text_data='{"type": "resume"}')
        assert await next_version(socket) == [1, 2]


async def test_a_right_taken_away_untold_ends_the_connection_at_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RECHECK_SECONDS", 0.05)
    executive = await database_sync_to_async(a_user)("eve", "executive")
    async with connected(executive) as socket:
        await database_sync_to_async(User.groups.through.objects.filter(user__username="eve").delete)()
        assert await closed(socket) == consumers.NOT_ALLOWED


async def test_a_right_taken_away_is_told_to_the_socket_at_once() -> None:
    executive = await database_sync_to_async(a_user)("eve", "executive")
    async with connected(executive) as socket:
        await database_sync_to_async(clear_groups)("eve")
        assert await closed(socket) == consumers.NOT_ALLOWED


def clear_groups(name: str) -> None:
    User.objects.get(username=name).groups.clear()


def test_the_page_sends_a_stranger_to_the_login() -> None:
    response = Client().get("/live/")
    assert response.status_code == 302
    assert response["Location"].startswith(settings.LOGIN_URL)


def test_the_page_is_closed_to_viewers_and_open_to_executives_and_superusers() -> None:
    assert a_user("viewer", "viewer").get("/live/").status_code == 403
    assert a_user("eve", "executive").get("/live/").status_code == 200
    assert a_user("root", superuser=True).get("/live/").status_code == 200


def test_the_last_snapshot_can_be_read_over_http() -> None:
    executive = a_user("eve", "executive")
    assert executive.get("/live/snapshot.json").status_code == 204
    publish(7, 3)
    response = executive.get("/live/snapshot.json")
    assert (response.json()["version"], response.json()["figure"]) == ([7, 3], 3)
    assert int(response["X-Server-Now"]) > 0
    assert "no-store" in response["Cache-Control"]
    assert Client().get("/live/snapshot.json").status_code == 401
    assert a_user("viewer", "viewer").get("/live/snapshot.json").status_code == 403


def test_the_page_holds_no_inline_script_or_style() -> None:
    page = a_user("eve", "executive").get("/live/").content.decode()
    assert "style=" not in page
    assert "<style" not in page
    assert all("src=" in tag for tag in page.split("<script")[1:])


async def test_a_page_hears_what_it_asked_for_and_is_told_what_it_may_not_have() -> None:
    publish(1, 1)
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [1, 1]
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": ["nonsense", "now?colour=blue"]}))
        refused = [json.loads(await socket.receive_from(timeout=5)) for _ in range(2)]
        assert [(one["type"], one["stream"]) for one in refused] == [("refused", "nonsense"), ("refused", "now?colour=blue")]
        assert "there is no stream 'nonsense'" in refused[0]["reason"]
        await channel_layer().group_send(GROUP, publish(1, 2))
        assert await socket.receive_nothing(0.2), "what is watched no longer is not sent"


async def test_a_snapshot_lost_on_its_way_is_read_again() -> None:
    publish(1, 1)
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [1, 1]
        lost = publish(1, 2)
        publish(1, 3)
        await channel_layer().group_send(GROUP, {**lost, "n": "3", "content": store.content_of('{"figure": 3, "n": 3}'), "body": ""})
        message = json.loads(await socket.receive_from(timeout=5))
        assert (message["type"], message["snapshot"]["figure"]) == ("snapshot", 3)


async def test_somebody_without_business_rights_gets_their_own_figures_only() -> None:
    def a_member() -> Client:
        client = a_user("mia", "advertiser-member")
        member = AdvertiserMember.objects.create(user=User.objects.get(username="mia"), advertiser=Advertiser.objects.create(name="Acme"))
        publish(1, 2, f"now?advertiser={member.advertiser_id}")
        return client

    publish(1, 1)
    async with connected(await database_sync_to_async(a_member)()) as socket:
        assert await next_version(socket) == [1, 2], "their own stream, under the name of everybody's"
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": ["now?advertiser=999999"]}))
        assert await socket.receive_nothing(), "which is theirs already, whosever is asked for"
        assert all(key.startswith("now?advertiser=") and "999999" not in key for key in await database_sync_to_async(store.watched)())


async def test_signing_out_ends_the_sockets_of_that_session_and_no_other() -> None:
    def signed_in_twice() -> tuple[Client, Client]:
        first = a_user("eve", "executive")
        second = Client()
        second.force_login(User.objects.get(username="eve"))
        return first, second

    here, elsewhere = await database_sync_to_async(signed_in_twice)()
    async with all_connected(here, elsewhere) as (ending, staying):
        await database_sync_to_async(here.logout)()
        assert await closed(ending) == consumers.SIGNED_OUT
        assert await staying.receive_nothing(0.2)


async def test_a_session_that_ended_untold_ends_its_socket_at_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def change_password() -> None:
        user = User.objects.get(username="eve")
        user.set_password("another long password")
        User.objects.filter(pk=user.pk).update(password=user.password)

    monkeypatch.setattr(keeper, "RECHECK_SECONDS", 0.05)
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        await database_sync_to_async(change_password)()
        assert await closed(socket) == consumers.SIGNED_OUT


@pytest.mark.parametrize(
    "message", ["no json", "[]", "7", '"watch"', "{}", '{"type": ["watch"]}', '{"type": "seen", "stream": {}}', "[" * 8000, "x" * 100_000]
)
async def test_what_is_no_message_is_ignored(message: str) -> None:
    publish(1, 1)
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        assert await next_version(socket) == [1, 1]
        await socket.send_to(text_data=message)
        await socket.send_to(bytes_data=b"\x00\xff")
        await channel_layer().group_send(GROUP, publish(1, 2))
        assert await next_version(socket) == [1, 2]


@pytest.mark.parametrize("wanted", ["now", [1], ["now"] * 9, None])
async def test_a_wish_of_another_shape_is_refused_with_the_reason(wanted: object) -> None:
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": wanted}))
        assert "at most 8 streams" in json.loads(await socket.receive_from(timeout=5))["reason"]


async def test_a_page_that_floods_is_told_and_then_shut_out() -> None:
    async with connected(await database_sync_to_async(a_user)("eve", "executive")) as socket:
        for number in range(int(consumers.BURST)):
            await socket.send_to(text_data=json.dumps({"type": "watch", "streams": [f"now?nonsense={number}"] * 3}))
        reasons = set()
        while (message := await asyncio.wait_for(socket.receive_output(5), 6))["type"] == "websocket.send":
            reasons.add(json.loads(message["text"])["reason"])
        assert message["code"] == consumers.FLOODING
        assert consumers.FLOOD in reasons


class Scoped:
    """A kind that somebody of an advertiser may watch, whose figure is whose it is."""

    kind = Kind("scoped", lambda stream, now: {"of": stream.get("advertiser")}, takes={"advertiser": streams.number}, audience="own")

    @staticmethod
    def publish(advertiser: int, n: int) -> dict[str, str]:
        return publish(1, n, key=f"scoped?advertiser={advertiser}", figure=advertiser)


def a_member() -> Client:
    client = a_user("mia", "advertiser-member")
    AdvertiserMember.objects.create(user=User.objects.get(username="mia"), advertiser=Advertiser.objects.create(pk=71, name="Acme"))
    return client


async def test_a_member_of_an_advertiser_gets_their_own_figures_whatever_they_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(streams._kinds, "scoped", Scoped.kind)
    monkeypatch.setitem(streams._kinds, "everybody", Kind("everybody", lambda stream, now: {}))
    Scoped.publish(71, 1)
    async with connected(await database_sync_to_async(a_member)()) as socket:
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": ["everybody", "scoped?advertiser=72"]}))
        assert "not among what you may see" in (await first(socket, "refused", stream="everybody"))["reason"]
        mine = await first(socket, "snapshot", stream="scoped?advertiser=72")
        assert mine["snapshot"]["figure"] == 71


async def first(socket: WebsocketCommunicator, kind: str, **also: str) -> Any:
    """The first message of this kind; others before it are left out."""
    while True:
        message = json.loads(await socket.receive_from(timeout=5))
        if message["type"] == kind and all(message[name] == value for name, value in also.items()):
            return message


async def test_who_moves_to_another_advertiser_hears_nothing_of_the_first_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def move() -> None:
        member = AdvertiserMember.objects.get(user__username="mia")
        member.advertiser = Advertiser.objects.create(pk=72, name="Umbra")
        member.save()

    monkeypatch.setitem(streams._kinds, "scoped", Scoped.kind)
    Scoped.publish(71, 1)
    Scoped.publish(72, 1)
    async with connected(await database_sync_to_async(a_member)()) as socket:
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": ["scoped"]}))
        assert (await first(socket, "snapshot", stream="scoped"))["snapshot"]["figure"] == 71
        await database_sync_to_async(move)()
        assert (await first(socket, "snapshot"))["snapshot"]["figure"] == 72
        for n in (2, 3):
            for advertiser in (71, 72):
                await channel_layer().group_send(store.group(f"scoped?advertiser={advertiser}"), Scoped.publish(advertiser, n))
        heard = [await first(socket, "snapshot") for _ in range(2)]
        assert [one["snapshot"]["figure"] for one in heard] == [72, 72]


async def test_a_right_given_later_opens_what_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def promote() -> None:
        User.objects.get(username="ed").groups.add(Group.objects.get_or_create(name="executive")[0])

    publish(1, 1)
    async with connected(await database_sync_to_async(a_user)("ed", "editor")) as socket:
        await socket.send_to(text_data=json.dumps({"type": "watch", "streams": ["now"]}))
        await first(socket, "refused")
        await database_sync_to_async(promote)()
        assert (await first(socket, "snapshot"))["snapshot"]["figure"] == 1


async def test_many_sockets_ask_the_database_what_one_asks() -> None:
    def many() -> list[Client]:
        return [a_user(f"person {number}", "executive") for number in range(12)]

    async with all_connected(*await database_sync_to_async(many)()):
        keeping = keeper.of_this_loop()
        assert len(keeping.sockets) == 12
        visits = {socket.visit for socket in keeping.sockets}

        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert len(permissions.standing(visits, now=timezone.now())) == 12
            return len(queries)

        assert await database_sync_to_async(asked)() == 2
        await keeping.recheck()
        await keeping.keep_watched()
        assert store.watched() == ["now"], "twelve pages, one stream"


async def test_a_tick_of_every_stream_there_may_be_fits_into_the_queue_of_a_process() -> None:
    layer = channel_layer()
    channel = await layer.new_channel()
    for _ in range(settings.LIVE_MOST_STREAMS):
        await layer.send(channel, {"type": "live.tick"})  # raises ChannelFull
    assert (await layer.receive(channel))["type"] == "live.tick"
    await layer.close_pools()


async def test_another_port_of_the_same_host_is_a_foreign_origin(settings: Any) -> None:
    executive = await database_sync_to_async(a_user)("eve", "executive")
    accepted, _ = await communicator(executive, origin="http://localhost:9999").connect()
    assert not accepted
    settings.CSRF_TRUSTED_ORIGINS = ["http://localhost:9999"]
    trusted = communicator(executive, origin="http://localhost:9999")
    accepted, _ = await trusted.connect()
    assert accepted
    await trusted.disconnect()
    await channel_layer().close_pools()
