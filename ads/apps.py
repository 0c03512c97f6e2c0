from django.apps import AppConfig


class AdsConfig(AppConfig):
    name = "ads"
    verbose_name = "Advertising"

    def ready(self) -> None:
        from adplatform import warmth
        from adplatform.eventlog import clicks, handlers, rebuild
        from adplatform.learning import monitoring, stages, training
        from adplatform.learning.card import explain

        from . import experiments, live_inventory, signals
        from .ctr import evidence, logged, served
        from .ctr.training import RECIPES
        from .handler import AdEvents
        from .recounts import RECOUNTS

        handlers.register(AdEvents())
        for recount in RECOUNTS:
            rebuild.register(recount)
        clicks.register_resolver(live_inventory.click_through)
        signals.connect()
        for recipe in RECIPES:
            training.register_recipe(recipe)
            explain.register_rows(recipe.kind, logged.ASKS_FOR, logged.logged_row)
        for source in evidence.SOURCES:
            stages.register_source(source)
        experiments.register()
        for kind, load_served in served.LOADS.items():
            monitoring.register_checks(kind, load_served=load_served, skew=served.SKEW.get(kind))
        warmth.register("decisions", _warm)


def _warm() -> None:
    from django.utils import timezone

    from .serving import warm

    warm(now=timezone.now())
