from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = "Engagement"

    def ready(self) -> None:
        from adplatform.learning import training

        from .director.training import RECIPE

        training.register_recipe(RECIPE)
