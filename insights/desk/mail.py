"""A scheduled answer as a mail: text and HTML of the same figures, and the table as CSV."""

from __future__ import annotations

from datetime import datetime
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from insights.chat.export import file_name, table_csv
from insights.models import ScheduledQuestion
from insights.semantic.access import scope_of

from .again import MAY_NOT, answered_again
from .services import schedule_claim

log = structlog.get_logger(__name__)
MOST_ROWS = 30


def send_due(*, now: datetime) -> int:
    """Send what is due and return how many mails left. A mail that cannot be sent is told on its schedule and tried at its next time."""
    sent = 0
    for schedule in ScheduledQuestion.objects.filter(active=True, next_at__lte=now).select_related("user").order_by("next_at"):
        if schedule_claim(schedule, now=now):
            sent += _send(schedule, now)
    return sent


def _send(schedule: ScheduledQuestion, now: datetime) -> bool:
    mine = ScheduledQuestion.objects.filter(pk=schedule.pk)
    if not schedule.user.is_active or scope_of(schedule.user) is None or not schedule.user.email:
        # Who lost the right gets no more mail, and no refusal each morning either.
        mine.update(active=False, last_problem=MAY_NOT if schedule.user.email else "The account has no e-mail address.")
        return False
    answer = answered_again(schedule.user, schedule.question, schedule.query, now=now)
    try:
        message(schedule, answer).send()
    except (SMTPException, OSError) as problem:
        log.warning("scheduled_answer_not_sent", schedule=schedule.pk, problem=str(problem))
        mine.update(last_problem=f"The mail could not be sent: {problem}"[:300])
        return False
    mine.update(last_sent_at=now, last_problem="" if answer["status"] == "answered" else answer["text"][:300])
    return True


def message(schedule: ScheduledQuestion, answer: dict[str, Any]) -> EmailMultiAlternatives:
    headings = [column["label"] for column in answer["columns"]]
    context = {
        "question": schedule.question,
        "answer": answer,
        "headings": headings,
        "rows": answer["cells"][:MOST_ROWS],
        "more": max(0, len(answer["cells"]) - MOST_ROWS),
        "every": schedule.every,
        "link": settings.PUBLIC_URL + reverse("ask-board"),
    }
    subject = " ".join(f"Intermission: {schedule.question}".split())[:150]
    mail = EmailMultiAlternatives(subject, render_to_string("insights/mail/answer.txt", context), to=[schedule.user.email])
    mail.attach_alternative(render_to_string("insights/mail/answer.html", context), "text/html")
    if answer["rows"]:
        mail.attach(file_name(schedule.question), table_csv(answer["columns"], answer["rows"], currency=answer["currency"]), "text/csv")
    return mail
