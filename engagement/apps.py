from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = "Engagement"

    def ready(self) -> None:
<<<<<<< d093fd5
        from adplatform.learning import training

        from .director.training import RECIPE

        training.register_recipe(RECIPE)
=======
        from adplatform.eventlog import handlers

        from .handler import PlaybackEvents

        handlers.register(PlaybackEvents())
>>>>>>> 465cdc0375eaf9ec02ac45dd7990b3bf4da401ed
