"""Who may not come back meets fewer seconds of ads, unless drawn into the control group; ad-ops read why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adplatform.eventlog import ids
from adplatform.experiments import selectors
from adplatform.models import Experiment
from ads.decision.explanation import REASONS
from ads.decision.load import Allowance
from ads.models import AdPolicy
from catalog.selectors import title_for_watching
from engagement import suggestions
from engagement.churn.care import care_of, lightened
from engagement.director.act import load_watching
from engagement.director.deciding import Suggested
from engagement.models import ChurnScore, DirectorDecision, PlaybackSession, Viewer
from engagement.playback.publishing import publish_to
from engagement.playback.sessions import exposures, session_open
from engagement.trials import TRIALS
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    suggestions.forget()
    selectors.forget()
    yield
    suggestions.forget()
    selectors.forget()


def at_risk(risk: float, *, days_ago: float = 0.5, consent: bool = True) -> Viewer:
    viewer, at = Viewer.objects.create(name="Ada", ads_consent=consent), NOW - timedelta(days=days_ago)
    ChurnScore.objects.create(viewer=viewer, day=at.date(), scored_at=at, risk=risk, model_version=1)
    return viewer


def opened(viewer: Viewer, arm: str = "") -> PlaybackSession:
    found = session_open(title=title_for_watching("test-pattern"), viewer=viewer, tab="one", device="tv", hour=20, now=NOW).session
    found.arms = {"care": arm} if arm else {}
    found.save(update_fields=["arms"])
    return found


@pytest.mark.parametrize(
    ("risk", "days_ago", "arm", "share"),
    [(0.8, 0.5, "", 0.5), (0.8, 0.5, "care", 0.5), (0.8, 0.5, "control", 1.0), (0.3, 0.5, "care", 1.0), (0.8, 20, "care", 1.0)],
)
def test_care_is_for_a_risk_that_is_high_and_known_lately(films: Films, risk: float, days_ago: float, arm: str, share: float) -> None:
    care = care_of(opened(at_risk(risk, days_ago=days_ago), arm), now=NOW)
    assert care.break_share == share
    assert care.suggestion is not None
    assert care.suggestion.title == films.bars.pk


@pytest.mark.usefixtures("films")
def test_without_consent_nobody_is_cared_for() -> None:
    care = care_of(opened(at_risk(0.9, consent=False)), now=NOW)
    assert (care.risk, care.break_share) == (None, 1.0)
    assert care.suggestion is not None


@pytest.mark.parametrize(
    ("allowed", "lighter"),
    [
        (Allowance(30.0, 2), Allowance(15.0, 1, "care_lighter")),
        (Allowance(8.0, 2), Allowance(0.0, 0, "care_lighter")),
        (Allowance(0.0, 0, "policy_spacing"), Allowance(0.0, 0, "policy_spacing")),
    ],
)
def test_a_break_gets_lighter_and_none_is_made_longer(films: Films, allowed: Allowance, lighter: Allowance) -> None:
    assert lightened(opened(at_risk(0.9)), allowed, now=NOW) == lighter


def test_the_plan_says_why_its_break_is_lighter(films: Films) -> None:
    AdPolicy.objects.create(title=films.pattern, break_seconds=8)
    session = opened(at_risk(0.9))
    state = publish_to(session.pk, session.title.scenes.order_by("position")[3].pk, now=NOW)
    one = next(one for one in state.plan.breaks if one.state == "left_out")
    assert (one.code, one.reason) == ("care_lighter", REASONS["care_lighter"])


def test_the_experiment_measures_those_alone_who_were_ever_at_risk(films: Films) -> None:
    Experiment.objects.create(key="care", state="running", **TRIALS["care"])
    selectors.forget()
    calm, lost = opened(at_risk(0.2), "care"), opened(at_risk(0.9, days_ago=30), "care")
    assert not exposures(calm, now=NOW)
    assert [event.data["experiment"] for event in exposures(lost, now=NOW)] == ["care"]


def test_the_director_knows_the_care_and_a_film_is_suggested_once(films: Films) -> None:
    session = opened(at_risk(0.9))
    who = load_watching(session.pk)
    assert (who.break_share, who.suggestion) == (0.5, Suggested(films.bars.pk, films.bars.slug, films.bars.name))
    DirectorDecision.objects.create(
        id=ids.new_id(NOW),
        session=session.pk,
        title=films.pattern.pk,
        decided_at=NOW,
        action="suggest",
        applied=True,
        suggested=films.bars.pk,
        reason="",
    )
    assert load_watching(session.pk).suggestion is None
