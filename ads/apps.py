from django.apps import AppConfig


class AdsConfig(AppConfig):
    name = "ads"
    verbose_name = "Advertising"

    def ready(self) -> None:
        from adplatform import warmth
        from adplatform.eventlog import clicks, handlers
        from adplatform.learning import training
        from adplatform.learning.card import explain

        from . import live_inventory, signals
        from .ctr import logged
        from .ctr.training import RECIPE
        from .handler import AdEvents

        handlers.register(AdEvents())
        clicks.register_resolver(live_inventory.click_through)
        signals.connect()
        training.register_recipe(RECIPE)
        for kind in ("ctr", "completion"):
            explain.register_rows(kind, logged.ASKS_FOR, logged.logged_row)
        warmth.register("decisions", _warm)


def _warm() -> None:
    from django.utils import timezone

    from .serving import warm

    warm(now=timezone.now())
