"""What just happened, in words, each with a link to its evidence: what asks for action first. And where today's revenue comes from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q, Sum
from django.urls import reverse

from adplatform.eventlog.rollup import truncate
from adplatform.models import Experiment, ModelVersion
from ads.decision.explanation import REASONS
from ads.models import BreakMinute, Campaign, DeliveryDay, UnfilledHour
from catalog.models import Title
from engagement.models import CHANGES_THE_PLAN, DirectorAction, DirectorDecision, PlaybackSession

from . import alerts
from .evidence import evidence
from .learning import kind_name
from .scope import EVERYTHING, Scope

LONGEST = 16
MOST_OF_A_KIND = 4
MODEL_WINDOW = timedelta(days=1)
EXPERIMENT_WINDOW = timedelta(days=7)
WINDOW = timedelta(minutes=10)

Item = dict[str, Any]


def _item(
    key: str, at: datetime | str, kind: str, text: str, link: str | None, detail: str = "", *, urgent: bool = False, page: str | None = None
) -> Item:
    """``page`` is the evidence for those to whom the admin, where ``link`` may lead, is closed."""
    when = at if isinstance(at, str) else at.isoformat()
    return {"key": key, "at": when, "kind": kind, "text": text, "detail": detail, "link": link, "page": page, "urgent": urgent}


def latest(now: datetime, scope: Scope = EVERYTHING) -> list[Item]:
    """What asks for action first, each part newest first, at most LONGEST. What is sold has news of its flights alone, a place of its
    breaks and viewers alone. At most eight queries."""
    found = _sold(scope) if scope.place == Q() else []
    if not scope.sold:
        found += [*_unfilled(scope, now), *_director(scope, now)]
    if scope.whole:
        found += [*_models(now), *_experiments(now)]
    found.sort(key=lambda item: item["at"], reverse=True)
    found.sort(key=lambda item: not item["urgent"])
    return found[:LONGEST]


def _sold(scope: Scope) -> list[Item]:
    known = alerts.of_seller(alerts.last(), {"campaign": scope.campaign, "advertiser": scope.advertiser})
    told = []
    for kind in ("budget", "ctr", "behind"):
        newest = sorted((alert for alert in known if alert.kind == kind), key=lambda alert: alert.at, reverse=True)
        told += [
            _item(one.key, one.at, kind, one.text, one.link, one.detail, urgent=True, page=f"{reverse('live')}?campaign={one.campaign}")
            for one in newest[:MOST_OF_A_KIND]
        ]
    return told


def _unfilled(scope: Scope, now: datetime) -> list[Item]:
    rows = list(
        BreakMinute.objects.filter(scope.place, bucket__gte=truncate(now - WINDOW, "minute"))
        .values("title_id")
        .annotate(asked=Sum("requests"), missing=Sum(F("requests") - F("filled")), newest=Max("bucket", filter=Q(requests__gt=F("filled"))))
        .filter(missing__gt=0)
        .order_by("-newest", "title_id")[:MOST_OF_A_KIND]
    )
    titles = [row["title_id"] for row in rows]
    known = {pk: (name, slug) for pk, name, slug in Title.objects.filter(pk__in=titles).values_list("pk", "name", "slug")}
    reasons = _reasons(scope, now, titles)
    told = []
    for row in rows:
        name, slug = known.get(row["title_id"], ("An unknown title", ""))
        breaks = f"{row['missing']:,} of {row['asked']:,} {'break' if row['asked'] == 1 else 'breaks'} without an ad in the last ten minutes"
        link = evidence("ads_decision", query=f"?title={row['title_id']}") if slug else None
        page = f"{reverse('live')}?title={slug}" if slug else None
        reason = reasons.get(row["title_id"], "")
        told.append(_item(f"unfilled-{row['title_id']}", row["newest"], "unfilled", f"{name}: {breaks}", link, reason, page=page))
    return told


def _reasons(scope: Scope, now: datetime, titles: list[int]) -> dict[int, str]:
    """Why most of the seconds of each title stayed empty in this hour and the one before."""
    rows = (
        UnfilledHour.objects.filter(scope.place, bucket__gte=truncate(now, "hour") - timedelta(hours=1), title_id__in=titles)
        .values("title_id", "reason")
        .annotate(empty=Sum("milliseconds"))
        .order_by("title_id", "empty", "reason")
    )
    # The last of each title, the most frequent one, stays.
    return {row["title_id"]: f"Mostly: {REASONS.get(row['reason'], row['reason'].replace('_', ' ')).lower()}." for row in rows}


def _director(scope: Scope, now: datetime) -> list[Item]:
    """All changes of plans in the window as one piece of news."""
    titles = Q() if scope.titles is None else Q(title__in=scope.titles)
    device = Q() if not scope.device else Q(session__in=_sessions_on(scope.device, now))
    rows = list(
        DirectorDecision.objects.filter(titles, device, applied=True, action__in=CHANGES_THE_PLAN, decided_at__gte=now - WINDOW, decided_at__lte=now)
        .order_by()
        .values("action")
        .annotate(times=Count("id"), newest=Max("decided_at"))
        .order_by("-times", "action")
    )
    if not rows:
        return []
    total = sum(row["times"] for row in rows)
    parts = ", ".join(f"{DirectorAction(row['action']).label.lower()} ({row['times']:,})" for row in rows[:3])
    text = f"The Director changed {total:,} {'plan' if total == 1 else 'plans'} in the last ten minutes"
    link = evidence("engagement_directordecision")
    page = f"{reverse('live-models')}?kind=director"
    return [_item("director", max(row["newest"] for row in rows), "director", text, link, f"{parts[:1].upper()}{parts[1:]}.", page=page)]


def _sessions_on(device: str, now: datetime) -> Any:
    return PlaybackSession.objects.filter(device=device, last_seen_at__gte=now - 2 * WINDOW).values("pk")


def _models(now: datetime) -> list[Item]:
    done = (ModelVersion.Status.PROMOTED, ModelVersion.Status.REFUSED)
    rows = ModelVersion.objects.filter(status__in=done, trained_at__gte=now - MODEL_WINDOW, trained_at__lte=now).order_by("-trained_at")
    return [
        _item(
            f"model-{row.pk}-{row.status}", row.trained_at or row.created_at, "model", f"{kind_name(row.kind)} model v{row.number} {row.status}",
            reverse("live-models"), row.verdict,
        )
        for row in rows[:MOST_OF_A_KIND]
    ]  # fmt: skip


def _experiments(now: datetime) -> list[Item]:
    rows = (
        Experiment.objects.filter(state=Experiment.State.STOPPED, stopped_at__gte=now - EXPERIMENT_WINDOW, stopped_at__lte=now)
        .exclude(alarm="")
        .order_by("-stopped_at")[:MOST_OF_A_KIND]
    )
    return [
        _item(
            f"experiment-{row.pk}", row.stopped_at or now, "experiment", f"The experiment {row.key} stopped by itself",
            reverse("live-experiment", args=[row.key]), row.alarm, urgent=row.stopped_at is not None and row.stopped_at >= now - MODEL_WINDOW,
        )
        for row in rows
    ]  # fmt: skip


def top_campaigns(now: datetime, scope: Scope = EVERYTHING) -> list[Item]:
    """The five campaigns that earned most today. Two queries."""
    rows = list(
        DeliveryDay.objects.filter(scope.delivery, bucket=truncate(now, "day"))
        .values("campaign_id")
        .annotate(revenue=Sum("revenue_micros"), shown=Sum("impressions"), clicked=Sum("clicks"))
        .order_by("-revenue", "campaign_id")[:5]
    )
    names = dict(Campaign.objects.filter(pk__in=[row["campaign_id"] for row in rows]).values_list("pk", "name"))
    return [
        {
            "name": names.get(row["campaign_id"], f"Campaign {row['campaign_id']}"),
            "revenue": row["revenue"],
            "impressions": row["shown"],
            "clicks": row["clicked"],
            "link": evidence("ads_campaign", row["campaign_id"]),
        }
        for row in rows
    ]
