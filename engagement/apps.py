from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = "Engagement"

    def ready(self) -> None:
        from adplatform.eventlog import handlers

        from .handler import PlaybackEvents

        handlers.register(PlaybackEvents())
