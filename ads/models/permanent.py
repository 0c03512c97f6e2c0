"""Rows that money rests on: nobody deletes them."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models


class BillingRowsStay(TypeError):
    """Somebody tried to delete or rewrite what was decided, counted or charged. Corrections are new rows."""


Row = TypeVar("Row", bound=models.Model)


class PermanentQuerySet(models.QuerySet[Row]):
    def delete(self) -> NoReturn:
        raise BillingRowsStay(f"{self.model.__name__} rows are never deleted; write a reversal instead")


class PermanentManager(models.Manager[Row]):
    def get_queryset(self) -> PermanentQuerySet[Row]:
        return PermanentQuerySet(self.model, using=self._db)


class Permanent(models.Model):
    """Rows that money rests on: nobody deletes them, not even a superuser."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise BillingRowsStay(f"{type(self).__name__} rows are never deleted; write a reversal instead")
