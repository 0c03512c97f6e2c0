from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = "Engagement"

    def ready(self) -> None:
        from django.conf import settings

        from adplatform.eventlog import handlers, heard, rebuild
        from adplatform.learning import monitoring, training
        from ads import vocabulary

        from . import experiments, segmenting
        from .churn import served as churn_served
        from .churn.training import RECIPE as CHURN
        from .director import served, watched
        from .director.training import DIRECTOR_RECIPE, LEAVE_RECIPE, RECIPE
        from .handler import PlaybackEvents
        from .playback import following
        from .recounts import RECOUNTS
        from .simulation import truth

        handlers.register(PlaybackEvents())
        for recount in RECOUNTS:
            rebuild.register(recount)
        heard.register("playback", following.overhear)
        experiments.register()
        vocabulary.register_segments(segmenting.vocabulary)
        training.register_recipe(RECIPE)
        training.register_recipe(LEAVE_RECIPE)
        training.register_recipe(DIRECTOR_RECIPE)
        # Their log rounds features to four digits: near enough to watch, not to replay.
        monitoring.register_checks(RECIPE.kind, load_served=served.load, replays=False)
        monitoring.register_checks(LEAVE_RECIPE.kind, load_served=served.load_leaving, replays=False)
        monitoring.register_checks(DIRECTOR_RECIPE.kind, load_served=watched.load)
        training.register_recipe(CHURN)
        monitoring.register_checks(CHURN.kind, load_served=churn_served.load, replays=False)
        training.register_truth("ctr", lambda keys: truth.of_slots(settings.VAR_DIR / "truth", truth.CLICK, keys))
        training.register_truth("completion", lambda keys: truth.of_slots(settings.VAR_DIR / "truth", truth.COMPLETE, keys))
        training.register_truth(RECIPE.kind, lambda keys: truth.of_moments(settings.VAR_DIR / "truth", truth.ENGAGEMENT, keys))
        training.register_truth(LEAVE_RECIPE.kind, lambda keys: truth.of_moments(settings.VAR_DIR / "truth", truth.LEAVE, keys))
