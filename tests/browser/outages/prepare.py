"""Rows for the pages of a stack of its own: an executive who is signed in, and ads that are reserved and wait to be shown."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime


def prepare(ads: int) -> dict[str, object]:
    from django.conf import settings
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from ads.decision.request import AdRequest
    from ads.serving import serve_break
    from benchmarks import inventory

    now = datetime.now(UTC)
    inventory.live_flights(3, now=now, per_campaign=1)
    ((scene, *_),) = inventory.titles(1)
    served = [
        serve_break(
            AdRequest(
                session=uuid.uuid4(), break_id="b1", break_position="mid", break_index=0, duration=30.0, max_ads=1, device="tv", hour=20,
                weekday=2, title=scene.title_id,
            ),
            now=now,
        )
        for _ in range(ads)
    ]  # fmt: skip
    user = User.objects.create_user("executive")
    user.groups.add(Group.objects.get_or_create(name="executive")[0])
    client = Client()
    client.force_login(user)
    return {
        "cookie": [settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value],
        "tokens": [one.ads[0].token for one in served],
    }


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(prepare(int(sys.argv[1]))))
