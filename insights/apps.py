from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InsightsConfig(AppConfig):
    name = "insights"
    verbose_name = "Insights"

    def ready(self) -> None:
        from adplatform import metrics

        from .live import gauges, kinds, permissions
        from .semantic.grants import grant_after_migrate

        metrics.register(gauges.readings)
        kinds.register_all()
        permissions.watch_changes()
        post_migrate.connect(grant_after_migrate, sender=self, dispatch_uid="insights-grants")
