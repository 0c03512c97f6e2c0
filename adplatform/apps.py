from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "adplatform"
    verbose_name = "Platform"
