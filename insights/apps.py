from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "insights"
    verbose_name = "Insights"

    def ready(self) -> None:
        from adplatform import metrics

        from .live import gauges

        metrics.register(gauges.readings)
