"""Puts the tests' own handler into consumer processes that a test starts and kills, in batches small enough to be hit."""

from django.apps import AppConfig


class ChildConfig(AppConfig):
    name = "tests.adplatform.eventlog.child"

    def ready(self) -> None:
        from adplatform.eventlog import consumer, handlers
        from tests.adplatform.eventlog.handler import PlaybackHandler

        consumer.BATCH = 150
        consumer.ORPHAN_IDLE_MS = 500
        handlers._handlers.clear()
        handlers.register(PlaybackHandler())
