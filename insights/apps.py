import contextlib

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InsightsConfig(AppConfig):
    name = "insights"
    verbose_name = "Insights"

    def ready(self) -> None:
        from django.urls import reverse

        from adplatform import metrics
        from ads.admin import links

        from . import checks  # noqa: F401 - registers itself
        from .live import gauges, kinds, permissions
        from .semantic import names
        from .semantic.grants import grant_after_migrate
        from .semantic.loading import load

        metrics.register(gauges.readings)
        links.register("Headlines: how lines did, and suggestions", lambda ad: reverse("admin:insights_copysuggestion_ad", args=[ad.pk]))
        kinds.register_all()
        permissions.watch_changes()
        names.watch(load())
        post_migrate.connect(grant_after_migrate, sender=self, dispatch_uid="insights-grants")
        post_migrate.connect(_index_catalogue, sender=self, dispatch_uid="insights-catalogue")


def _index_catalogue(**_: object) -> None:
    """Runs when migrations have. Migrating backwards, or only some rooms, the tables are not all there yet, and the next refresh does it."""
    from django.db import ProgrammingError

    from .semantic.retrieval import refresh

    with contextlib.suppress(ProgrammingError):
        refresh()
