"""What viewers did with scenes, breaks without ads, and who may stay away, for the detectors of the audience. Nine queries in all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum

from adplatform.eventlog.rollup import truncate
from ads.decision.explanation import REASONS
from ads.models import BreakHour, DeliveryDay, DeliveryHour, UnfilledHour
from catalog.models import Title
from engagement.models import ChurnScore, SceneDay
from engagement.retention.intervals import Share
from engagement.retention.likeness import like_titles, usual_at
from engagement.retention.selectors import FilmScene, SceneFigures, Window, of_film, scene_figures, scenes_of
from insights.findings.detectors import unfilled
from insights.findings.detectors.churn import RiskDay
from insights.findings.detectors.retention import DAYS, LEAST_LEFT, LEAST_STARTS, SceneLosses
from insights.findings.detectors.unfilled import Breaks

WEEK = timedelta(days=7)
CHURN_DAYS = 14
# A break holds no more than its title's policy says: nobody is missing there.
BY_POLICY = frozenset({"most_ads", "too_short_for_any"})


def scene_losses(now: datetime) -> list[SceneLosses]:
    """Scenes with enough viewings of the days up to yesterday. Five queries."""
    day = now.date()
    window = Window(day - timedelta(days=DAYS), day - timedelta(days=1))
    films, figures = scenes_of(), scene_figures(window)
    titles = {title.pk: title for title in Title.objects.filter(pk__in=films)}
    per_session, synthetic = _per_session(window, figures), _synthetic_viewings(window)
    return [
        _scene(scene, titles[title], films, figures, per_session.get(title, 0.0), synthetic.get(title), now)
        for title, scenes in films.items()
        for scene in scenes
        if (found := figures.get((title, scene.id))) is not None and found.starts >= LEAST_STARTS and found.left >= LEAST_LEFT
    ]


def _scene(
    scene: FilmScene, title: Title, films: Mapping[int, list[FilmScene]], figures: Mapping[tuple[int, int], SceneFigures],
    per_session: float, synthetic: float | None, now: datetime,
) -> SceneLosses:  # fmt: skip
    usual = usual_at(scene, like_titles(films, scene.title), films, figures)
    return SceneLosses(
        scene=scene.id, name=scene.name, title=scene.title, slug=title.slug, title_name=title.name, place=scene.place,
        left=figures[scene.title, scene.id].share("left"), usual=usual.share("left"), titles=usual.titles, per_session=per_session,
        until=truncate(now, "day"), synthetic=synthetic,
    )  # fmt: skip


def _per_session(window: Window, figures: Mapping[tuple[int, int], SceneFigures]) -> dict[int, float]:
    """Micros of ads a viewing brought, by title."""
    rows = DeliveryDay.objects.filter(bucket__date__gte=window.first, bucket__date__lte=window.last).values_list("title_id")
    return {
        title: revenue / starts for title, revenue in rows.annotate(Sum("revenue_micros")).order_by() if (starts := of_film(figures, title).starts)
    }


def _synthetic_viewings(window: Window) -> dict[int, float]:
    rows = SceneDay.objects.filter(day__range=(window.first, window.last), scene_id=0).values_list("title_id")
    sums = rows.annotate(Sum("starts"), made=Sum("starts", filter=Q(synthetic=True), default=0)).order_by()
    return {title: made / starts for title, starts, made in sums if starts}


def breaks(now: datetime) -> list[Breaks]:
    """Titles whose breaks stayed without an ad in the last 24 hours. Five queries."""
    since = truncate(now - unfilled.WINDOW, "hour")
    rows = BreakHour.objects.filter(bucket__gte=since, bucket__lt=now).values_list("title_id")
    lately = {
        row[0]: row[1:] for row in rows.annotate(Sum("requests"), Sum("filled"), made=Sum("requests", filter=Q(synthetic=True), default=0)).order_by()
    }
    week = BreakHour.objects.filter(bucket__gte=since - WEEK, bucket__lt=since).aggregate(
        asked=Sum("requests", default=0), done=Sum("filled", default=0)
    )
    revenue = DeliveryHour.objects.filter(bucket__gte=since - WEEK, bucket__lt=since).aggregate(micros=Sum("revenue_micros", default=0))["micros"]
    reasons, titles = _reasons(since, now), {title.pk: title for title in Title.objects.filter(pk__in=lately)}
    return [
        Breaks(
            title=title, name=titles[title].name, slug=titles[title].slug, empty=asked - filled, asked=asked,
            usual=Share(week["asked"] - week["done"], week["asked"]), reason=REASONS.get(reasons.get(title, ""), ""),
            per_break=revenue / week["done"] if week["done"] else 0.0, until=now, synthetic=made / asked if asked else None,
        )
        for title, (asked, filled, made) in sorted(lately.items())
        if title in titles
    ]  # fmt: skip


def _reasons(since: datetime, now: datetime) -> dict[int, str]:
    """Of each title why most seconds stayed empty that an ad could have filled."""
    rows = UnfilledHour.objects.filter(bucket__gte=since, bucket__lt=now).exclude(reason__in=BY_POLICY).values_list("title_id", "reason")
    found: dict[int, str] = {}
    for title, reason, _ in rows.annotate(empty=Sum("milliseconds")).order_by("title_id", "-empty", "reason"):
        found.setdefault(title, reason)
    return found


def risk_days(now: datetime) -> list[RiskDay]:
    """Oldest first, by the day and the model that scored most of it. One query."""
    rows = ChurnScore.objects.filter(day__gt=(now - timedelta(days=CHURN_DAYS)).date(), day__lte=now.date()).values_list("day", "model_version")
    counted = rows.annotate(
        scored=Count("pk"),
        at_risk=Count("pk", filter=Q(risk__gte=settings.CHURN_AT_RISK)),
        made=Count("pk", filter=Q(viewer__synthetic=True)),
    ).order_by("day", "scored")
    by_day = {day: RiskDay(day, Share(at_risk, scored), model, made / scored) for day, model, scored, at_risk, made in counted}
    return [by_day[day] for day in sorted(by_day)]
