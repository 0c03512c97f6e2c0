"""What the edge accepts and what it refuses, each event by itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import envelope, ids, ingest, tokens

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SESSION = tokens.SessionToken(session=uuid.UUID(int=5), viewer=uuid.UUID(int=6), title=9, expires=int(NOW.timestamp()) + 60)


def tracking(**changes: Any) -> tokens.TrackingToken:
    values: dict[str, Any] = {
        "decision": ids.derived_id(ids.new_id(NOW), "d"), "slot": 1, "ad": 2, "flight": 3, "price_micros": 4000,
        "expires": int(NOW.timestamp()) + 60, "session": SESSION.session, "viewer": SESSION.viewer, "title": 9,
    }  # fmt: skip
    return tokens.TrackingToken(**(values | changes))


def playback(**changes: Any) -> dict[str, Any]:
    return {"v": 1, "id": str(ids.new_id(NOW)), "type": "playback.pause", "occurred_at": NOW.isoformat(), "session": str(SESSION.session)} | changes


def judge(*events: Any, session: tokens.SessionToken | None = SESSION) -> ingest.Accepted:
    return ingest.accept(events, session=session, received_at=NOW, ip_hash="ip", ua_hash="ua", request_id="r")


def reason(event: Any, session: tokens.SessionToken | None = SESSION) -> str:
    judged = judge(event, session=session)
    assert judged.events == []
    return judged.refused[0].reason


def test_a_playback_event_gets_its_viewer_and_title_from_the_session_token() -> None:
    (event,) = judge(playback(seq=4, position={"scene": 2, "offset": 1.5}, data={"volume": 0.5})).events
    assert (event.session, event.viewer, event.title) == (SESSION.session, SESSION.viewer, 9)
    assert (event.seq, event.received_at, event.ip_hash, event.ua_hash, event.request_id) == (4, NOW, "ip", "ua", "r")
    assert envelope.decode(envelope.encode(event)) == event


def test_a_bad_event_never_costs_a_good_one() -> None:
    judged = judge(playback(), {"v": 1}, playback(), 7, playback(type="nonsense"))
    assert len(judged.events) == 2
    assert [(refusal.index, refusal.reason) for refusal in judged.refused] == [(1, "unreadable"), (3, "unreadable"), (4, "unknown_type")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"v": 2}, "unknown_version"),
        ({"type": "playback.nonsense"}, "unknown_type"),
        ({"type": "ad.decision"}, "server_only_type"),
        ({"type": "director.decision"}, "server_only_type"),
        ({"type": "playback.as_edited", "data": {"on": True}}, "server_only_type"),
        ({"seq": int((NOW + timedelta(hours=25)).timestamp() * 1000)}, "seq_ahead"),
        ({"id": "not a uuid"}, "unreadable"),
        ({"id": str(uuid.uuid4())}, "id_not_uuid7"),
        ({"id": str(ids.new_id(NOW - timedelta(hours=24, seconds=1)))}, "id_time_out_of_window"),
        ({"id": str(ids.new_id(NOW + timedelta(hours=24, seconds=1)))}, "id_time_out_of_window"),
        ({"id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, "id_time_out_of_window"),
        ({"occurred_at": "2026-05-04T12:00:00"}, "unreadable"),
        ({"session": str(uuid.UUID(int=99))}, "wrong_session"),
        ({"seq": -1}, "unreadable"),
        ({"seq": 2**63}, "unreadable"),
        ({"position": {"scene": 1, "offset": float("nan")}}, "unreadable"),
        ({"position": {"scene": 2**70}}, "unreadable"),
        ({"data": {"text": "a\x00b"}}, "unstorable_data"),
        ({"data": {"a\x00": 1}}, "unstorable_data"),
        ({"data": {"text": "\ud800"}}, "unstorable_data"),
        ({"data": {"n": 2**63}}, "unstorable_data"),
        ({"data": {"n": float("inf")}}, "unstorable_data"),
        ({"data": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}}, "data_too_deep"),
        ({"data": {"text": "x" * 5000}}, "data_too_large"),
        ({"data": []}, "unreadable"),
    ],
)
def test_what_can_never_be_stored_is_refused_with_its_reason(changes: dict[str, Any], expected: str) -> None:
    assert reason(playback(**changes)) == expected


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"v": NaN}', b"\xff", b"", b'{"v":1e999}', b'{"v":' + b"9" * 9000 + b"}"])
def test_hostile_json_is_refused_as_unreadable(raw: bytes) -> None:
    assert reason(msgspec.Raw(raw)) == "unreadable"


def test_playback_events_need_a_session_token() -> None:
    assert reason(playback(), session=None) == "unsigned"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_impossible_event_time_is_stored_as_invalid_at_the_time_of_receipt(moment: str) -> None:
    (event,) = judge(playback(occurred_at=moment)).events
    assert (event.occurred_at, event.invalid) == (NOW, "clock_skew")


def test_one_tracking_token_gives_one_id_whatever_ids_are_sent() -> None:
    token = tokens.sign(tracking())
    events = judge(*[playback(type="ad.impression", token=token, id=str(ids.new_id(NOW))) for _ in range(50)], session=None).events
    assert len(events) == 50
    assert len({event.id for event in events}) == 1
    assert events[0].price_micros == 4000


def test_repeatable_ad_events_differ_by_their_sequence_number() -> None:
    token = tokens.sign(tracking())
    events = judge(*[playback(type="ad.heartbeat", token=token, seq=seq) for seq in (1, 1, 2)], session=None).events
    assert len({event.id for event in events}) == 2


@pytest.mark.parametrize("token", [None, "", "x", "é", "A" * 700, tokens.sign(SESSION)])
def test_an_ad_event_without_a_tracking_token_of_ours_is_refused(token: str | None) -> None:
    assert reason(playback(type="ad.impression", token=token)) in {"unsigned", "unreadable_token"}


def test_an_expired_tracking_token_is_accepted_and_marked() -> None:
    (event,) = judge(playback(type="ad.impression", token=tokens.sign(tracking(expires=int(NOW.timestamp()) - 1)))).events
    assert event.invalid == "expired_token"


def test_an_ad_event_of_a_decision_too_long_ago_is_refused() -> None:
    token = tokens.sign(tracking(decision=ids.new_id(NOW - timedelta(days=2))))
    assert reason(playback(type="ad.impression", token=token)) == "id_time_out_of_window"


def test_events_beyond_the_limit_are_refused_with_a_reason() -> None:
    judged = judge(*[playback()] * (ingest.MOST_EVENTS + 2))
    assert len(judged.events) == ingest.MOST_EVENTS
    assert {refusal.reason for refusal in judged.refused} == {"too_many_events"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["v", "id", "type", "occurred_at", "seq", "data", "token", "position"]), JSON_VALUES))
def test_whatever_is_sent_is_judged_without_an_error(changes: dict[str, Any]) -> None:
    judged = judge({**playback(), **changes}, playback())
    assert len(judged.events) + len(judged.refused) == 2
    for event in judged.events:
        assert envelope.decode(envelope.encode(event)).id == event.id
