"""Questions being answered just now in this process. Each has a thread; whoever follows it may go away and come back."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.conf import settings
from django.db import connections

from insights.semantic.cancelling import Cancel

from .answering import Step

log = structlog.get_logger(__name__)

# Few: what they wait for is one database. Who comes when all are busy waits within the deadline of the first stage.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ask")
LAST = frozenset({"done", "failed", "cancelled"})
WRONG = "Something went wrong on our side. It has been logged; please ask again."
# What is being done after each stage, for whoever is told that it took too long.
DOING = {
    "": "reading the question",
    "understood": "planning the query",
    "plan": "reading the figures",
    "sql": "reading the figures",
    "rows": "choosing a chart",
    "chart": "wording the answer",
    "text": "checking the answer",
}  # fmt: skip

Work = Callable[[Callable[[], bool]], Iterator[Step]]


class Run:
    """One question on its way. Everything it tells is kept until it is over, so that a page that comes back misses nothing."""

    def __init__(self, key: tuple[int, str], work: Work) -> None:
        self.key = key
        self.events: list[dict[str, Any]] = []
        self._work = work
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._state = "running"
        self._cancel = Cancel()

    @property
    def over(self) -> bool:
        return bool(self.events) and self.events[-1]["type"] in LAST

    def start(self) -> None:
        _running[self.key] = self
        self._loop.run_in_executor(_threads, self._answer)
        self._watch = asyncio.create_task(self._keep_time())

    async def follow(self, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """What was told since number ``after`` and what is told from now on, to the end."""
        at = max(0, after)
        while True:
            while at < len(self.events):
                at += 1
                yield self.events[at - 1]
            if self.over:
                return
            self._news.clear()
            await self._news.wait()

    def stop(self, kind: str, reason: str) -> bool:
        """End it, statement and all, unless its answer is being stored already: then it is told whole."""
        with self._lock:
            if self._state != "running":
                return False
            self._state = "stopped"
        # It waits for the database to have heard of it, which this thread must not.
        self._loop.run_in_executor(None, self._cancel.now)
        self._tell({"type": kind, "reason": reason})
        return True

    def _may_store(self) -> bool:
        with self._lock:
            if self._state == "running":
                self._state = "storing"
            return self._state == "storing"

    def _tell(self, event: dict[str, Any]) -> None:
        if self.over:
            return
        self.events.append({**event, "id": self.key[1], "seq": len(self.events) + 1})
        if self.over:
            _running.pop(self.key, None)
        self._news.set()

    async def _keep_time(self) -> None:
        while not self.over:
            told = len(self.events)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.INSIGHTS_STAGE_SECONDS):
                    await anext(self.follow(told), None)
            if len(self.events) == told:
                doing = DOING.get(self.events[-1]["stage"] if self.events else "", "finding the answer")
                words = f"It took longer than {settings.INSIGHTS_STAGE_SECONDS:g} s while {doing}, and was stopped. A shorter period may help."
                if self.stop("failed", words):
                    log.warning("question_took_too_long", doing=doing)

    # In its thread

    def _answer(self) -> None:
        try:
            with self._cancel:
                for step in self._work(self._may_store):
                    if self._state == "stopped":
                        return
                    self._soon(_event(step))
        except Exception:
            log.exception("question_failed")
            self._soon({"type": "failed", "reason": WRONG})
        finally:
            # A thread asks now and then: what it keeps open another could use.
            connections.close_all()

    def _soon(self, event: dict[str, Any]) -> None:
        # A process that is going down has nobody left to tell; what was stored is stored.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, event)


def _event(step: Step) -> dict[str, Any]:
    if step.answer is not None:
        return {"type": "done", "answer": step.answer}
    return {"type": "stage", "stage": step.stage, "ms": step.milliseconds, "data": step.data}


_running: dict[tuple[int, str], Run] = {}


def running(user: int, client: str) -> Run | None:
    return _running.get((user, client))


def begin(user: int, client: str, work: Work) -> Run:
    run = Run((user, client), work)
    run.start()
    return run
