"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from adplatform.celery import schedule

from .desk.mail import send_due
from .findings.store import insights_refresh
from .live.business import alerts, director, heat
from .live.content import worked, working
from .live.models import outcomes, served
from .semantic.retrieval import refresh


@shared_task(name="insights.work_out_success")
def work_out_success() -> str:
    """Every five minutes, as often as decisions are judged: what the Director's changes gain, in words."""
    return director.work_out(now=timezone.now()).words


@shared_task(name="insights.find", soft_time_limit=240, time_limit=270)
def find() -> str:
    """Every five minutes: what is out of the ordinary, at risk or decided, as the live pages' findings."""
    return insights_refresh(now=timezone.now()).words


@shared_task(name="insights.time_decisions")
def time_decisions() -> dict[str, int]:
    """Every minute: how long decisions took as served; returns how many of the last hour were looked at, by log."""
    return {log: told["recent"]["n"] for log, told in served.work_out(now=timezone.now())["logs"].items()}


@shared_task(name="insights.work_out_outcomes")
def work_out_outcomes() -> str:
    """Every five minutes: what the Director's changes gain by action and day, what viewers rated, which models cannot be loaded."""
    return str(outcomes.work_out(now=timezone.now())["success"]["whole"]["words"])


@shared_task(name="insights.draw_heat")
def draw_heat() -> int:
    """Each minute: the maps of the day that somebody looks at and that have an hour more to show."""
    return heat.draw_wanted(now=timezone.now())


@shared_task(name="insights.work_out_content")
def work_out_content(names: Sequence[str] | None = None) -> list[str]:
    """What the pages of titles and content show beyond the day tables: these names, else those of the pages that somebody watches. Only
    what is no longer fresh; returns what was worked out here."""
    now = timezone.now()
    wanted = working.watched_names() if names is None else list(names)
    return [name for name in worked.stale(wanted, now=now) if working.work_out(name, now=now)]


@shared_task(name="insights.watch_delivery")
def watch_delivery() -> int:
    """Each minute: what asks for action on what is sold."""
    return len(alerts.work_out(now=timezone.now()))


@shared_task(name="insights.index_catalogue")
def index_catalogue() -> str:
    """Each minute: the cards that questions are matched with, in step with the model, the names and the verified questions."""
    return refresh().words


schedule("insights.index_catalogue", timedelta(minutes=1))


@shared_task(name="insights.send_scheduled")
def send_scheduled() -> int:
    """Every five minutes: answers by mail that are due; returns how many mails left."""
    return send_due(now=timezone.now())


schedule("insights.send_scheduled", timedelta(minutes=5))
schedule("insights.watch_delivery", timedelta(minutes=1))
schedule("insights.draw_heat", timedelta(minutes=1))
schedule("insights.time_decisions", timedelta(minutes=1))
schedule("insights.work_out_outcomes", timedelta(minutes=5))
schedule("insights.work_out_success", timedelta(minutes=5))
schedule("insights.find", timedelta(minutes=5))
schedule("insights.work_out_content", timedelta(minutes=1))
