"""A process of its own that decides a boundary and dies between the plan and the log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from datetime import datetime

from tests.engagement.playback.child import environment


def run(session: uuid.UUID, at: datetime) -> int:
    """Its exit code; negative for the signal that ended it."""
    command = [sys.executable, "-m", "tests.engagement.director.killed", str(session), at.isoformat()]
    return subprocess.run(command, env=environment(), check=False).returncode


def main(session: uuid.UUID, at: datetime) -> None:
    import django

    django.setup()
    from django.conf import settings

    from adplatform.eventlog import stream
    from engagement.director.act import act, load_watching
    from engagement.director.features import SessionSignals
    from engagement.playback.publishing import load

    settings.DIRECTOR_EXPLORATION = 0.1
    state, who = load(session), load_watching(session)
    stream.append_payloads = _dies
    act(who, state, SessionSignals(), scene=state.plan.played[0], trigger="scene_start", engagement=None, session_usual=None, now=at)


def _dies(payloads: Sequence[bytes]) -> list[bytes]:
    """Whoever wants to append to the log is dead."""
    os.kill(os.getpid(), signal.SIGKILL)
    return []


if __name__ == "__main__":
    main(uuid.UUID(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
