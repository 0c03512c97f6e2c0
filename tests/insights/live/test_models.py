"""Every figure of the models' page against the rows it is read from, who may see what of it, and who may do what."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adplatform.eventlog.partitions import ensure_partitions
from adplatform.learning import registry
from adplatform.learning.predictor import PLAIN, ColumnPredictor
from adplatform.models import ModelVersion, TrainingRun
from adplatform.permissions import AD_OPS, AD_OPS_LEAD, EDITOR, EXECUTIVE, GROUPS, READ_ONLY
from ads.models import Decision
from engagement.models import Rating, Viewer
from insights.live import store
from insights.live.models import explorer, health, outcomes, served, stream
from insights.live.streams import Stream
from insights.tasks import time_decisions, work_out_outcomes
from tests.insights.live import facts
from tests.insights.live.judged import CARD, a_decision, a_direction, a_reading, a_version

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LAST_HOUR = NOW.replace(minute=0, second=0)


def build(now: datetime = NOW) -> dict[str, Any]:
    built: dict[str, Any] = json.loads(json.dumps(stream.build(Stream("models"), now)))
    return built


def of(kind: str, built: dict[str, Any] | None = None) -> dict[str, Any]:
    return next(one for one in (built or build())["kinds"] if one["kind"] == kind)


def by_hand(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@pytest.fixture
def decided() -> list[Decision]:
    ensure_partitions([date(2026, 11, 19), date(2026, 11, 20)])
    return [
        a_decision(NOW - MINUTE * back, milliseconds=1.5 * back + 0.3, model_version=(None, 1, 2)[back % 3], synthetic=back % 4 == 0)
        for back in range(1, 130)
    ]


@pytest.fixture
def groups() -> None:
    call_command("sync_groups", verbosity=0)


def signed_in(group: str | None) -> Client:
    client = Client()
    if group:
        user = User.objects.create_user(f"someone-{group}", is_staff=GROUPS[group].staff)
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
    return client


def test_a_champion_stands_with_its_figures_as_they_were_stored() -> None:
    a_version(number=1, alias="previous")
    a_version(number=2, alias="champion")
    a_version(number=3, status="refused", verdict="Refused: " + "because " * 80)
    told = of("ctr")
    ((number, estimator, verdict, synthetic),) = by_hand(
        "SELECT number, estimator, verdict, synthetic_share FROM adplatform_modelversion WHERE alias = 'champion'"
    )
    champion = told["champion"]
    assert (champion["number"], champion["estimator"], champion["verdict"], champion["synthetic"]) == (number, estimator, verdict, synthetic)
    stored = json.loads(by_hand("SELECT metrics->'normalised_entropy' FROM adplatform_modelversion WHERE alias = 'champion'")[0][0])
    figure = champion["figure"]
    assert {name: figure[shown] for name, shown in (("value", "value"), ("baseline", "baseline"), ("ci_low", "low"), ("ceiling", "ceiling"))} == {
        name: stored[name] for name in ("value", "baseline", "ci_low", "ceiling")
    }
    assert figure["closed"] == pytest.approx((1.0 - 0.95) / (1.0 - 0.9))
    assert next(one for one in champion["metrics"] if one["name"] == "auc")["closed"] is None
    assert [gate["verdict"] for gate in champion["judged"]] == ["pass", "not_enough_evidence"]
    assert (told["previous"], told["total"], [row["number"] for row in told["history"]]) == (1, 3, [3, 2, 1])
    assert champion["layers"] == [60, 32, 16, 1]


def test_whoever_holds_an_alias_is_told_however_old_it_is() -> None:
    a_version(number=1, alias="champion")
    for number in range(2, 15):
        a_version(number=number, status="refused")
    told = of("ctr")
    assert told["champion"]["number"] == 1
    assert [row["number"] for row in told["history"]] == [*range(14, 4, -1), 1]
    assert told["total"] == 14


def test_the_dot_of_a_kind_says_why_in_words() -> None:
    assert (of("churn")["state"], of("churn")["words"]) == ("none", "No model serves.")
    version = a_version(number=1, alias="champion", parameters={"bootstrap": True})
    assert of("ctr")["state"] == "thin"
    ModelVersion.objects.update(parameters={})
    assert of("ctr")["state"] == "waits"
    a_reading(version, "served_rows", to=LAST_HOUR, value=500)
    assert of("ctr")["state"] == "ok"
    a_reading(version, "feature_psi", to=LAST_HOUR, subject="hour", value=0.4, bound=0.2, alarm=True, words="hour moved")
    assert (of("ctr")["state"], of("ctr")["words"]) == ("alarm", "1 figure is beyond its bound.")
    assert of("ctr")["health"]["told"][0]["words"] == "hour moved"


def test_a_reading_outside_its_bound_that_is_not_certain_is_told_as_that() -> None:
    version = a_version(alias="champion")
    for measure, value, bound, state in (
        ("calibration", 1.3, 1.1, "uncertain"),
        ("bias", 0.01, 0.1, "within"),
        ("score_psi", 0.5, None, "not_judged"),
    ):
        a_reading(version, measure, to=LAST_HOUR, value=value, bound=bound)
        told = next(one for one in of("ctr")["health"]["latest"] if one["measure"] == measure)
        assert (told["state"], told["value"], told["bound"]) == (state, value, bound)
    a_reading(version, "feature_psi", to=LAST_HOUR.replace(hour=0), hours=24, subject="hour", value=0.1)
    assert of("ctr")["health"]["drawn"] == {"hour": 0, "day": 1}


def test_an_alarm_that_the_next_reading_takes_back_is_over_and_an_old_one_says_nothing() -> None:
    version = a_version(alias="champion")
    a_reading(version, "feature_psi", to=LAST_HOUR - HOUR, subject="hour", value=0.4, bound=0.2, alarm=True)
    a_reading(version, "feature_psi", to=LAST_HOUR, subject="hour", value=0.1, bound=0.2)
    a_reading(version, "feature_psi", to=LAST_HOUR - HOUR * 27, subject="mood", value=0.4, bound=0.2, alarm=True)
    short = of("ctr")["health"]
    assert (short["alarms"], short["figures"], short["judged"]) == (0, 1, 1)


def test_drift_over_time_is_that_of_the_readings() -> None:
    before, version = a_version(number=1, alias="previous"), a_version(number=2, alias="champion")
    for back in range(3):
        a_reading(version, "feature_psi", to=LAST_HOUR - HOUR * back, subject="hour", value=0.1 * back, bound=0.2, alarm=back == 2, words=f"{back}")
    a_reading(version, "feature_psi", to=LAST_HOUR, subject="mood", value=0.19, bound=0.2)
    a_reading(before, "log_loss", to=LAST_HOUR - HOUR * 9, value=0.3, low=0.2, high=0.4)
    a_reading(version, "log_loss", to=LAST_HOUR, value=0.25, low=0.2, high=0.3)
    a_reading(version, "feature_psi", to=LAST_HOUR.replace(hour=0), subject="hour", hours=24, value=0.9)
    told = health.over_time("ctr", "hour", NOW)
    hour, mood = told["drift"]["features"]
    assert (hour["name"], hour["values"], hour["alarms"], hour["words"]) == ("hour", [pytest.approx(0.2), 0.1, 0.0], [True, False, False], "0")
    assert mood["values"] == [None, None, 0.19]
    losses = by_hand(
        "SELECT v.number, r.value FROM adplatform_modelreading r JOIN adplatform_modelversion v ON v.id = r.version_id WHERE measure = 'log_loss'"
    )
    assert sorted((one["version"], one["value"]) for one in told["quality"]["log_loss"]) == sorted(losses)
    assert health.over_time("ctr", "day", NOW)["drift"]["features"][0]["values"] == [0.9]


@pytest.mark.usefixtures("decided")
def test_response_times_are_the_percentiles_of_the_decisions_themselves() -> None:
    told = served.work_out(now=NOW)["logs"]["ads"]
    hour = "decided_at >= timestamptz '2026-11-20 14:37:12Z' - interval '1 hour' AND decided_at < '2026-11-20 14:37:12Z'"
    ((n, p50, p99, synthetic),) = by_hand(
        f"SELECT count(*), percentile_cont(.5) WITHIN GROUP (ORDER BY milliseconds), percentile_cont(.99) WITHIN GROUP (ORDER BY milliseconds), "
        f"avg(synthetic::int) FROM ads_decision WHERE {hour}"
    )
    recent = told["recent"]
    assert (recent["n"], recent["p50"], recent["p99"]) == (n, round(p50, 3), round(p99, 3))
    assert recent["synthetic"] == pytest.approx(float(synthetic))
    by_version = by_hand(
        f"SELECT model_version, count(*), percentile_cont(.95) WITHIN GROUP (ORDER BY milliseconds) FROM ads_decision WHERE {hour} GROUP BY 1"
    )
    assert {(one["value"], one["n"], one["p95"]) for one in recent["by"]["model_version"]} == {
        (version, n, round(p95, 3)) for version, n, p95 in by_version
    }
    whole_hours = {one["hour"]: one for one in told["hours"]}
    thirteen = whole_hours["2026-11-20T13:00:00+00:00"]
    ((n, fast),) = by_hand(
        "SELECT count(*), count(*) FILTER (WHERE milliseconds < 100) FROM ads_decision WHERE decided_at >= '2026-11-20 13:00Z' AND decided_at < '2026-11-20 14:00Z'"
    )
    assert (thirteen["n"], sum(thirteen["bars"]), sum(thirteen["bars"][: served.EDGES.index(100.0) + 1])) == (n, n, fast)
    assert (len(told["hours"]), whole_hours["2026-11-20T10:00:00+00:00"]["p50"]) == (24, None)
    assert build()["served"]["logs"]["ads"]["recent"]["n"] == recent["n"]


@pytest.mark.usefixtures("decided")
def test_an_hour_long_over_is_read_once_and_a_late_decision_of_the_last_hours_is_counted() -> None:
    served.work_out(now=NOW)
    a_decision(NOW - HOUR * 2)
    a_decision(NOW - HOUR * 9)
    hours = {one["hour"][:13]: one["n"] for one in served.work_out(now=NOW)["logs"]["ads"]["hours"]}
    ((counted,),) = by_hand("SELECT count(*) FROM ads_decision WHERE decided_at >= '2026-11-20 12:00Z' AND decided_at < '2026-11-20 13:00Z'")
    assert (hours["2026-11-20T12"], hours["2026-11-20T05"]) == (counted, 0)
    assert store.client().ttl(served.KEY) > 0


def test_ratings_stand_with_the_interval_of_their_viewers_and_success_by_action() -> None:
    title = facts.a_title()
    for number in range(40):
        viewer = Viewer.objects.create(name=f"Viewer {number}", synthetic=number < 30)
        Rating.objects.create(viewer=viewer, title=title, stars=1 + number % 5, rated_at=NOW - HOUR)
        facts.changed(NOW - timedelta(days=2), done=True, watched=0.9)
        facts.changed(NOW - timedelta(days=2), done=False, watched=0.6 + 0.02 * (number % 2))
    outcomes.work_out(now=NOW)
    built = build()
    ((mean, n, error, synthetic),) = by_hand(
        "SELECT avg(stars), count(*), stddev_samp(stars) / sqrt(count(*)), avg(v.synthetic::int) FROM engagement_rating r JOIN engagement_viewer v ON v.id = r.viewer_id"
    )
    rating = built["rating"]
    assert (rating["value"], rating["n"], rating["synthetic"]) == (float(mean), n, float(synthetic))
    assert rating["high"] - rating["value"] == pytest.approx(1.959964 * float(error))
    assert rating["stars"] == [8, 8, 8, 8, 8]
    (tighten,) = built["success"]["actions"]
    assert (tighten["action"], tighten["done"], tighten["held_back"]) == ("tighten", 40, 40)
    assert tighten["value"] == pytest.approx(0.9 - 0.61)
    assert built["success"]["whole"]["value"] == tighten["value"] == built["success"]["by_day"][0]["value"]


def test_too_few_ratings_have_no_interval_and_the_tasks_say_what_they_found() -> None:
    viewer = Viewer.objects.create(name="Alone")
    Rating.objects.create(viewer=viewer, title=facts.a_title(), stars=5, rated_at=NOW)
    assert outcomes.rating(NOW - HOUR, NOW + HOUR) | {"stars": None} == {
        "value": 5.0, "low": None, "high": None, "n": 1, "viewers": 1, "stars": None, "synthetic": 0.0,
    }  # fmt: skip
    assert time_decisions() == {"ads": 0, "director": 0}
    assert work_out_outcomes().startswith("Not enough evidence yet")


def test_runs_that_go_on_stand_first_with_how_far_they_are() -> None:
    asked: dict[str, Any] = {"kind": "ctr", "estimator": "mlp", "as_of": NOW}
    TrainingRun.objects.create(key="over", state="done", percent=100, started_at=NOW, finished_at=NOW + timedelta(seconds=90), **asked)
    TrainingRun.objects.create(key="dead", state="running", percent=30, heartbeat_at=NOW - HOUR, **asked)
    TrainingRun.objects.create(key="alive", state="running", percent=45, words="fitting", heartbeat_at=NOW, **asked)
    told = of("ctr")["runs"]
    assert [(one["state"], one["percent"]) for one in told] == [("waits for another worker", 30), ("running", 45), ("done", 100)]
    assert told[2]["took_seconds"] == 90


def test_more_rows_cost_no_more_queries_and_no_raw_event_is_read() -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            build()
        return [query["sql"] for query in captured.captured_queries]

    for kind in ("ctr", "completion", "director", "engagement", "leave", "churn"):
        a_version(kind, 1, alias="champion")
    few = queries()
    for number in range(2, 9):
        version = a_version(number=number)
        a_reading(version, "feature_psi", to=LAST_HOUR, subject="hour")
        TrainingRun.objects.create(key=str(number), kind="ctr", estimator="mlp", as_of=NOW)
    many = queries()
    assert len(many) == len(few) <= 16
    assert not [sql for sql in many if any(table in sql for table in ("ads_adevent", "ads_decision", "playbackevent", "directordecision"))]


# Who may see what of it


@pytest.mark.usefixtures("groups")
def test_what_the_page_fetches_is_for_who_runs_the_business() -> None:
    version = a_version(alias="champion")
    addresses = [f"/live/models/versions/{version.pk}.json", "/live/models/ctr/health.json", "/live/models/decisions.json?log=ads"]
    for group, status in ((None, 401), (EDITOR, 403), (EXECUTIVE, 200)):
        client = signed_in(group)
        assert [client.get(address).status_code for address in addresses] == [status] * 3


@pytest.mark.usefixtures("groups")
def test_a_card_is_kept_by_the_browser_under_its_mark_alone() -> None:
    version = a_version(alias="champion")
    client = signed_in(EXECUTIVE)
    mark = of("ctr")["champion"]["mark"]
    address = f"/live/models/versions/{version.pk}.json"
    card = client.get(address, {"mark": mark})
    assert (card["Cache-Control"], client.get(address, {"mark": "old"})["Cache-Control"]) == (
        "private, max-age=31536000, immutable", "private, no-store",
    )  # fmt: skip
    told = card.json()
    assert (told["roc"], told["calibration"], told["latency"]) == (CARD["roc"], CARD["calibration"], CARD["latency"])
    assert [bar["feature"] for bar in told["importance"]["bars"]] == ["age_band", "hour"]
    assert (told["learning"]["layers"], told["learning"]["later"], told["learning"]["training"]) == ([60, 32, 16, 1], [0.5, 0.4], [0.6, 0.3])
    assert client.get("/live/models/versions/999.json").status_code == 404


@pytest.mark.usefixtures("groups", "decided")
def test_the_explorer_finds_decisions_by_time_flight_and_id() -> None:
    sold = a_decision(NOW - MINUTE * 60, flight=99)
    client = signed_in(EXECUTIVE)

    def found(**asked: str) -> dict[str, Any]:
        page: dict[str, Any] = client.get("/live/models/decisions.json", {"log": "ads", **asked}).json()
        return page

    first = found()
    stored = by_hand("SELECT id::text, milliseconds FROM ads_decision ORDER BY decided_at DESC LIMIT 30")
    assert [(row["id"], row["milliseconds"]) for row in first["rows"]] == stored
    following = found(before=first["before"])
    assert following["rows"][0]["at"] < first["rows"][-1]["at"]
    assert [row["id"] for row in found(q="99")["rows"]] == [str(sold.pk)]
    assert [row["id"] for row in found(q=str(sold.pk))["rows"]] == [str(sold.pk)]
    assert "cannot be looked for" in found(q="harbour")["reason"]


@pytest.mark.usefixtures("groups")
def test_who_watched_is_told_to_those_alone_who_may_read_decisions() -> None:
    ensure_partitions([NOW.date()])
    session = uuid.uuid4()
    decision = a_decision(NOW, session=session)
    address = f"/live/models/decisions/ads/{decision.pk}.json"
    reader, executive = signed_in(READ_ONLY), signed_in(EXECUTIVE)
    whole, told = reader.get(address).json(), executive.get(address).json()
    assert (whole["session"], whole["viewer"]) == (str(session), str(decision.viewer))
    assert "session" not in told and told["viewer"] is None
    assert str(session) not in json.dumps(told) and str(decision.viewer) not in json.dumps(told)
    assert ["age_band", "25-34"] in whole["asked"] and "25-34" not in json.dumps(told)
    served_as = {one["name"]: one["words"] for one in told["won"][0]["features"]}
    assert (served_as["device"], served_as["hour"]) == ("tv", "20")
    assert (told["candidates"][0]["score"], told["others"][0]["n"], told["others"][0]["words"]) == (
        4500.0, 2, "Held back to spread the budget over the flight's days",
    )  # fmt: skip
    listed = "/live/models/decisions.json"
    assert executive.get(listed, {"log": "ads", "q": str(session)}).status_code == 403
    assert [row["id"] for row in reader.get(listed, {"log": "ads", "q": str(session)}).json()["rows"]] == [str(decision.pk)]


@pytest.mark.usefixtures("groups")
def test_a_decision_of_the_director_is_told_with_its_options() -> None:
    made = a_direction(NOW)
    address = f"/live/models/decisions/director/{made.pk}.json"
    whole, told = signed_in(READ_ONLY).get(address).json(), signed_in(AD_OPS).get(address).json()
    assert whole["session"] == str(made.session) and "session" not in told
    by_name = {one["name"]: one["value"] for one in told["features"]}
    assert by_name == {"hour": 20.0, "left_over": None, "monthly_hours": None}
    assert {one["name"]: one["value"] for one in whole["features"]}["monthly_hours"] == 33.0
    assert (told["options"][0]["gain_micros"], told["options"][0]["taken"]) == (120.0, True)
    assert explorer.found(explorer.read("director", "", ""), AnonymousUser())["rows"][0]["id"] == str(made.pk)


# Who may do what


@pytest.mark.usefixtures("groups")
def test_buttons_are_for_those_who_may_change_models() -> None:
    a_version(alias="champion")
    for group in (EXECUTIVE, AD_OPS, READ_ONLY):
        client = signed_in(group)
        assert [client.post(f"/live/models/ctr/{what}").status_code for what in ("roll-back", "stop-test", "train")] == [403] * 3
    assert not TrainingRun.objects.exists()
    assert signed_in(None).post("/live/models/ctr/roll-back").status_code == 302
    lead = signed_in(AD_OPS_LEAD)
    assert lead.get("/live/models/ctr/train").status_code == 405
    response = lead.post("/live/models/ctr/train", {"estimator": "hashed_logistic"})
    assert response["Location"] == "/live/models/?kind=ctr"
    run = TrainingRun.objects.get()
    assert (run.kind, run.estimator, run.state) == ("ctr", "hashed_logistic", "queued")
    assert LogEntry.objects.get().change_message == "training queued by hand"


@pytest.mark.usefixtures("groups")
def test_a_rollback_puts_the_previous_champion_back_and_is_audited() -> None:
    path, digest = registry.store_artifact(ColumnPredictor(None, 0.1).to_bytes(), PLAIN)
    kept: dict[str, Any] = {"artifact": path, "artifact_sha256": digest, "feature_schema": {}}
    a_version(number=1, alias="previous", **kept)
    a_version(number=2, alias="champion", **kept)
    lead = signed_in(AD_OPS_LEAD)
    for _ in range(2):  # a second click, or another person's, must not take the first one's back
        assert lead.post("/live/models/ctr/roll-back", {"serving": "2"})["Location"] == "/live/models/?kind=ctr"
    assert by_hand("SELECT number, alias FROM adplatform_modelversion ORDER BY number") == [(1, "champion"), (2, "previous")]
    (entry,) = LogEntry.objects.all()
    assert (entry.user.username, entry.change_message) == ("someone-ad-ops-lead", "rolled back to")
    assert of("ctr")["champion"]["number"] == 1


@pytest.mark.usefixtures("groups")
def test_what_cannot_be_done_is_said_in_words_and_changes_nothing() -> None:
    champion = a_version(alias="champion")
    lead = signed_in(AD_OPS_LEAD)
    for what, words in (("roll-back", "there is no previous ctr model"), ("stop-test", "no ctr model is in shadow")):
        response = lead.post(f"/live/models/ctr/{what}", {"serving": str(champion.number)})
        assert words in str(list(response.wsgi_request._messages)[-1])  # type: ignore[attr-defined]
    champion.refresh_from_db()
    assert (champion.alias, LogEntry.objects.count()) == ("champion", 0)
