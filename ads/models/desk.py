"""What people who sell keep for themselves: filters of their lists, and answers to requests that were sent twice."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class SavedFilter(models.Model):
    """A list of the admin with its filters, search and order, under a name."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    page = models.CharField(max_length=60, help_text="URL name of the list, for example ads_flight_changelist")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, help_text="What stands behind the question mark")
    shared = models.BooleanField(default=False, help_text="Everybody who may open the list sees it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["page", "name"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_filter_name_once")]

    def __str__(self) -> str:
        return self.name


class IdempotentRequest(models.Model):
    """A write over the API with a key of the sender's, and what it was answered: the same key gets the same answer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while the first request is being worked on")
    body = models.TextField(blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once"),
            models.CheckConstraint(condition=~Q(key=""), name="idempotency_key_not_empty"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return self.key
