"""Which estimators a setting asks for."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import estimators


def chosen(setting: str, task: str) -> list[str]:
    """The estimators that a setting names. Raises ImproperlyConfigured: a name that is none stops the start, and says which there are."""
    names = [name.strip() for name in getattr(settings, setting) if name.strip()]
    if not names:
        raise ImproperlyConfigured(f"{setting} names no estimator; unset it, or choose from: {', '.join(estimators.of_task(task))}")
    for name in names:
        try:
            estimators.find(name, task)
        except estimators.UnknownEstimator as error:
            raise ImproperlyConfigured(f"{setting}={','.join(names)}: {error}") from error
    return names
