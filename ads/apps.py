from django.apps import AppConfig


class AdsConfig(AppConfig):
    name = "ads"
    verbose_name = "Advertising"

    def ready(self) -> None:
        from adplatform.eventlog import clicks, handlers
        from adplatform.learning import training

        from . import live_inventory, signals
        from .ctr.training import RECIPE
        from .handler import AdEvents

        handlers.register(AdEvents())
        clicks.register_resolver(live_inventory.click_through)
        signals.connect()
        training.register_recipe(RECIPE)
