from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "adplatform"
    verbose_name = "Platform"

    def ready(self) -> None:
        from adplatform.eventlog import handlers
        from adplatform.experiments.exposures import ExposureHandler

        handlers.register(ExposureHandler())
