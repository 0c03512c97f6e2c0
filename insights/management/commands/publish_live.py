"""Publish the live figures once a second until told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from adplatform import runtime
from insights.live.publisher import run


class Command(BaseCommand):
    help = "Builds the live dashboard's figures once a second and sends them to every open page. Two may run; one speaks at a time."

    def handle(self, *args: Any, **options: Any) -> None:
        with runtime.servers():
            asyncio.run(self._run())

    async def _run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(stop)
