"""A process of its own for the tests of publishing: several threads publish one session to its end, as fast as they can."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import quote

THREADS = 4


def environment() -> dict[str, str]:
    """For another process on this test's database and Redis number."""
    from django.db import connection

    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


def start(session: uuid.UUID, at: datetime) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.engagement.playback.child", str(session), at.isoformat()]
    return subprocess.Popen(command, env=environment())


def main(session: uuid.UUID, at: datetime) -> None:
    import django

    django.setup()
    from django.db import connections

    from engagement.playback.publishing import load, publish_next

    def publish_to_the_end() -> None:
        state = load(session)
        while not state.plan.ended:
            state = publish_next(session, expected_version=state.version, now=at)
        connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(publish_to_the_end) for _ in range(THREADS)]:
            done.result()


if __name__ == "__main__":
    main(uuid.UUID(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
