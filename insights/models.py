"""What people asked and were answered."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Conversation(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.user} on {self.started_at:%Y-%m-%d %H:%M}"


class Message(models.Model):
    """One question with its whole answer: the audit record of what was asked, run and shown."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    asked_at = models.DateTimeField()
    question = models.TextField()
    answer = models.JSONField(default=dict)
    milliseconds = models.FloatField(default=0)

    class Meta:
        ordering = ["asked_at"]

    def __str__(self) -> str:
        return self.question[:60]


class VerifiedQuery(models.Model):
    """A question staff have checked, with the semantic query that answers it."""

    question = models.CharField(max_length=300, unique=True)
    query = models.JSONField()
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    verified_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.question
