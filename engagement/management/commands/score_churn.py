"""Scores who may not come back, as the schedule does each hour."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from engagement.churn.scoring import viewers_score


class Command(BaseCommand):
    help = "Score how likely each viewer with consent is not to come back, with the reasons in words"

    def handle(self, *args: Any, **options: Any) -> None:
        scored = viewers_score(now=timezone.now())
        told = f"{scored.viewers:,} viewers scored, {scored.at_risk:,} with a risk of {settings.CHURN_AT_RISK:.0%} or more of staying away"
        self.stdout.write(scored.words or f"{told} for {settings.CHURN_HORIZON_DAYS:g} days")
