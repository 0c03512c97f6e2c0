from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = "Engagement"

    def ready(self) -> None:
        from adplatform.eventlog import handlers
        from adplatform.learning import training

        from .director.training import RECIPE
        from .handler import PlaybackEvents

        handlers.register(PlaybackEvents())
        training.register_recipe(RECIPE)
