"""The chat's socket through the real application."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import DatabaseError, connections
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from adplatform.asgi import application
from insights import asking
from insights.chat import answering, intents, pipeline, runs
from insights.chat.pipeline import Asked, Stage
from insights.models import Message
from insights.semantic import cancelling
from tests.insights.business import Business

from .askers import Askers, opened

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
SPEND = "How much did we spend in all time?"


@pytest.fixture(scope="module")
def askers(business: Business, django_db_blocker: DjangoDbBlocker) -> Iterator[Askers]:
    with django_db_blocker.unblock(), opened(business) as made:
        yield made


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    cache.clear()


def communicator(client: Client | None, origin: str = "http://localhost") -> WebsocketCommunicator:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if client:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()))
    return WebsocketCommunicator(application, "/ws/insights/", headers=headers)


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[WebsocketCommunicator]:
    socket = communicator(client)
    accepted, _ = await socket.connect(timeout=5)
    assert accepted
    yield socket
    await socket.disconnect()


async def ask(socket: WebsocketCommunicator, question: str, **more: Any) -> str:
    client = more.pop("id", None) or str(uuid.uuid4())
    await socket.send_to(text_data=json.dumps({"type": "ask", "id": client, "question": question, **more}))
    return client


async def heard(socket: WebsocketCommunicator) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await socket.receive_from(timeout=10))
    return message


async def to_the_end(socket: WebsocketCommunicator) -> list[dict[str, Any]]:
    told = [await heard(socket)]
    while told[-1]["type"] == "stage":
        told.append(await heard(socket))
    return told


async def closed(socket: WebsocketCommunicator) -> int:
    while (message := await socket.receive_output(5))["type"] != "websocket.close":
        continue
    code: int = message["code"]
    return code


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Answers wait after they were understood until this is set."""
    door = threading.Event()
    figures = intents.answered

    def waits(*args: Any) -> Any:
        door.wait(10)
        return figures(*args)

    monkeypatch.setattr(intents, "answered", waits)
    yield door
    door.set()


async def over(user: str, client: str) -> None:
    pk = (await database_sync_to_async(User.objects.get)(username=user)).pk
    async with asyncio.timeout(10):
        while runs.running(pk, client) is not None:
            await asyncio.sleep(0.02)


def stored(client: str) -> list[Message]:
    return list(Message.objects.filter(answer__client=client))


async def test_strangers_viewers_and_foreign_pages_are_refused(askers: Askers) -> None:
    for client, origin in ((None, "http://localhost"), (askers["vera"], "http://localhost"), (askers["eve"], "https://elsewhere.example")):
        accepted, _ = await communicator(client, origin).connect(timeout=5)
        assert not accepted


async def test_an_answer_is_told_in_stages_and_stored_once(askers: Askers) -> None:
    async with connected(askers["eve"]) as socket:
        client = await ask(socket, SPEND)
        told = await to_the_end(socket)
    assert [message["seq"] for message in told] == list(range(1, len(told) + 1))
    assert {message["id"] for message in told} == {client}
    assert [message["stage"] for message in told[:-1]] == ["understood", "plan", "sql", "rows", "chart", "text"]
    answer = told[-1]["answer"]
    (message,) = await database_sync_to_async(stored)(client)
    assert (told[-1]["type"], answer["status"], answer["message"]) == ("done", "answered", message.pk)
    assert answer["rows"] == message.answer["rows"]


async def test_socket_and_endpoint_give_the_same_answer(askers: Askers) -> None:
    async with connected(askers["otto"]) as socket:
        await ask(socket, SPEND)
        answer = (await to_the_end(socket))[-1]["answer"]
    posted = await database_sync_to_async(askers["otto"].post)("/api/v1/ask", json.dumps({"question": SPEND}), content_type="application/json")
    differing = {"conversation", "message", "asked_at", "milliseconds", "stages", "client"}
    assert {name: value for name, value in posted.json().items() if name not in differing} == {
        name: value for name, value in answer.items() if name not in differing
    }


async def test_a_follow_up_edits_the_last_answer_of_its_conversation(askers: Askers, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def watched(asked: Asked, *args: Any, **more: Any) -> Iterator[Stage]:
        seen.append(asked.previous)
        yield from pipeline.stages(asked, *args, **more)

    monkeypatch.setattr(answering, "stages", watched)
    async with connected(askers["eve"]) as socket:
        await ask(socket, SPEND)
        first = (await to_the_end(socket))[-1]["answer"]
        await ask(socket, "Drop the campaigns table", conversation=first["conversation"])
        await to_the_end(socket)
        await ask(socket, SPEND, conversation=first["conversation"])
        await to_the_end(socket)
    assert [query and query.model_dump(mode="json") for query in seen] == [None, first["query"], first["query"]]


async def test_a_query_is_run_as_it_stands_and_one_of_another_shape_is_refused_in_words(askers: Askers) -> None:
    async with connected(askers["eve"]) as socket:
        await ask(socket, SPEND)
        query = (await to_the_end(socket))[-1]["answer"]["query"]
        await ask(socket, SPEND, query=query | {"measures": ["impressions"], "cube": "delivery"}, edited="impressions")
        answer = (await to_the_end(socket))[-1]["answer"]
        assert (answer["columns"][0]["name"], answer["edited"]) == ("impressions", "impressions")
        for wrong in ({"intent": "value"}, query | {"cube": "auth_user"}, query | {"sql": "SELECT 1"}, ["x"]):
            await ask(socket, SPEND, query=wrong)
            refused = await heard(socket)
            assert (refused["type"], refused["reason"][:28]) == ("failed", "This query cannot be run: " + refused["reason"][26:28])


async def test_who_goes_away_finds_the_answer_when_they_come_back(askers: Askers, held: threading.Event) -> None:
    async with connected(askers["eve"]) as socket:
        client = await ask(socket, SPEND)
        assert (await heard(socket))["stage"] == "understood"
    held.set()
    await over("eve", client)
    assert len(await database_sync_to_async(stored)(client)) == 1
    async with connected(askers["eve"]) as socket:
        await ask(socket, SPEND, id=client)
        again = await to_the_end(socket)
    assert again[-1]["answer"]["status"] == "answered"
    posted = await database_sync_to_async(askers["eve"].post)("/api/v1/ask", {"question": SPEND, "id": client}, content_type="application/json")
    assert posted.json()["message"] == again[-1]["answer"]["message"]
    assert len(await database_sync_to_async(stored)(client)) == 1


async def test_a_second_page_joins_a_question_on_its_way_from_where_it_was(askers: Askers, held: threading.Event) -> None:
    async with connected(askers["eve"]) as first, connected(askers["eve"]) as second:
        client = await ask(first, SPEND)
        assert [(await heard(first))["seq"] for _ in range(2)] == [1, 2]
        await ask(second, SPEND, id=client, after=1)
        assert (await heard(second))["seq"] == 2
        held.set()
        assert (await to_the_end(first))[-1] == (await to_the_end(second))[-1]
    assert len(await database_sync_to_async(stored)(client)) == 1


async def test_a_cancelled_question_ends_at_once_and_is_not_stored(askers: Askers, held: threading.Event) -> None:
    async with connected(askers["eve"]) as socket:
        client = await ask(socket, SPEND)
        await heard(socket)
        await socket.send_to(text_data=json.dumps({"type": "cancel", "id": client}))
        assert (await to_the_end(socket))[-1]["type"] == "cancelled"
        held.set()
        await ask(socket, SPEND)
        assert (await to_the_end(socket))[-1]["type"] == "done"
    assert await database_sync_to_async(stored)(client) == []


async def test_cancelling_ends_the_statement_that_runs(askers: Askers, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = threading.Event(), threading.Event()
    figures = intents.answered

    def slow(*args: Any) -> Any:
        began.set()
        try:
            with connections["insights"].cursor() as cursor, cancelling.running(cursor.connection):
                cursor.execute("SELECT pg_sleep(20)")
        except DatabaseError:
            ended.set()
            raise
        return figures(*args)

    monkeypatch.setattr(intents, "answered", slow)
    async with connected(askers["eve"]) as socket:
        client = await ask(socket, SPEND)
        assert await asyncio.to_thread(began.wait, 10)
        await socket.send_to(text_data=json.dumps({"type": "cancel", "id": client}))
        assert (await to_the_end(socket))[-1]["type"] == "cancelled"
        assert await asyncio.to_thread(ended.wait, 10)


async def test_nobody_cancels_the_question_of_another(askers: Askers, held: threading.Event) -> None:
    async with connected(askers["eve"]) as mine, connected(askers["otto"]) as other:
        client = await ask(mine, SPEND)
        await heard(mine)
        await other.send_to(text_data=json.dumps({"type": "cancel", "id": client}))
        assert await other.receive_nothing(0.2)
        held.set()
        assert (await to_the_end(mine))[-1]["type"] == "done"


async def test_one_question_at_a_time(askers: Askers, held: threading.Event) -> None:
    async with connected(askers["eve"]) as socket:
        first = await ask(socket, SPEND)
        await heard(socket), await heard(socket)
        second = await ask(socket, SPEND)
        refused = await heard(socket)
        assert (refused["id"], refused["type"], refused["reason"]) == (second, "failed", asking.ONE_AT_A_TIME)
        held.set()
        assert (await to_the_end(socket))[-1]["id"] == first


async def test_a_stage_that_takes_too_long_is_named_and_ended(askers: Askers, held: threading.Event, settings: Any) -> None:
    settings.INSIGHTS_STAGE_SECONDS = 0.3
    async with connected(askers["eve"]) as socket:
        client = await ask(socket, SPEND)
        last = (await to_the_end(socket))[-1]
        held.set()
    assert last["type"] == "failed"
    assert last["reason"].startswith("It took longer than 0.3 s while reading the figures, and was stopped.")
    assert await database_sync_to_async(stored)(client) == []


async def test_a_fault_of_ours_is_told_and_not_left_hanging(askers: Askers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intents, "answered", lambda *args: 1 / 0)
    async with connected(askers["eve"]) as socket:
        await ask(socket, SPEND)
        last = (await to_the_end(socket))[-1]
    assert (last["type"], last["reason"]) == ("failed", runs.WRONG)


async def test_what_is_no_message_of_ours_is_said_and_nothing_breaks(askers: Askers) -> None:
    unreadable = ["x", "[]", "{}", '{"type": "ask"}', json.dumps({"type": "ask", "id": "12345678", "question": "x" * 501}), "x" * 40_000]
    more: list[dict[str, Any]] = [
        {"id": 5},
        {"id": "12345678", "question": " "},
        {"id": "12345678", "question": SPEND, "conversation": "1"},
        {"conversation": -1},
    ]
    unreadable += [json.dumps({"type": "ask", "id": "12345678", "question": SPEND, "after": "x"})]
    unreadable += [json.dumps({"type": "ask", "id": "12345678", "question": SPEND} | one) for one in more]
    async with connected(askers["eve"]) as socket:
        for text in unreadable:
            await socket.send_to(text_data=text)
            assert (await heard(socket))["type"] == "failed"
        await socket.send_to(bytes_data=b"\x00")
        assert (await heard(socket))["type"] == "failed"
        await ask(socket, SPEND, conversation=2**62)
        assert (await heard(socket))["reason"] == "There is no such conversation of yours."
        await ask(socket, SPEND)
        assert (await to_the_end(socket))[-1]["type"] == "done"


async def test_a_flood_ends_the_connection_and_many_questions_are_slowed_down(askers: Askers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insights.chat.limits.AskThrottle.rate", "1/min")
    async with connected(askers["eve"]) as socket:
        await ask(socket, SPEND)
        await to_the_end(socket)
        await ask(socket, SPEND)
        assert "wait a minute" in (await heard(socket))["reason"]
        for _ in range(40):
            await socket.send_to(text_data="{}")
        assert await closed(socket) == asking.FLOODING


async def test_a_right_taken_away_and_a_session_that_ended_are_seen_at_the_next_question(askers: Askers) -> None:
    def leave(name: str) -> Client:
        user = User.objects.create_user(name)
        user.groups.add(Group.objects.get(name="executive"))
        client = Client()
        client.force_login(user)
        return client

    fired, gone = await database_sync_to_async(leave)("fired"), await database_sync_to_async(leave)("gone")
    try:
        async with connected(fired) as socket:
            await database_sync_to_async(_fire)()
            await ask(socket, SPEND)
            assert await closed(socket) == asking.NOT_ALLOWED
        async with connected(gone) as socket:
            await database_sync_to_async(gone.logout)()
            await ask(socket, SPEND)
            assert await closed(socket) == asking.SIGNED_OUT
    finally:
        await database_sync_to_async(User.objects.filter(username__in=("fired", "gone")).delete)()


def _fire() -> None:
    User.objects.get(username="fired").groups.clear()


async def test_members_of_two_advertisers_get_their_own_rows_over_the_socket(askers: Askers) -> None:
    for name, own in (("silver", "Silver Lantern Pictures"), ("volt", "Volt Motors"), ("silver", "Silver Lantern Pictures")):
        async with connected(askers[name]) as socket:
            await ask(socket, "spend by advertiser")
            told = await to_the_end(socket)
        assert [row[0] for row in told[-1]["answer"]["rows"]] == [own]
        assert not {"Silver Lantern Pictures", "Volt Motors", "Harbor Coffee"} - {own} & set(json.dumps(told).split('"'))
