from django.apps import AppConfig


class AdsConfig(AppConfig):
    name = "ads"
    verbose_name = "Advertising"

    def ready(self) -> None:
        from adplatform.eventlog import clicks, handlers

        from . import live_inventory, signals
        from .handler import AdEvents

        handlers.register(AdEvents())
        clicks.register_resolver(live_inventory.click_through)
        signals.connect()
