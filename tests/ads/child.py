"""A process of its own for the tests of money: serves breaks to as many viewers at once as it is told and shows what it got."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import quote


def start(count: int, at: datetime) -> subprocess.Popen[bytes]:
    """``count`` viewers in another process, on this test's database and Redis number."""
    from django.db import connection

    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen([sys.executable, "-m", "tests.ads.child", str(count), at.isoformat()], env=environment)


def watch(at: datetime) -> int:
    """One viewer's break: decided, and every ad in it shown, twice reported. Returns how many ads there were."""
    from ads.serving import serve_break
    from tests.ads.inventory import make_request, track

    served = serve_break(make_request(max_ads=1), now=at)
    for ad in served.ads:
        track(ad.token, "ad.impression", at=at + timedelta(seconds=1))
        track(ad.token, "ad.impression", at=at + timedelta(seconds=1))
    return len(served.ads)


def main(count: int, at: datetime) -> None:
    import django

    django.setup()
    from django.db import connections

    from adplatform.eventlog import consumer

    def one(number: int) -> int:
        shown = watch(at)
        if number % 10 == 0:
            consumer.drain(now=at)
        connections.close_all()
        return shown

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(count)))


if __name__ == "__main__":
    main(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
