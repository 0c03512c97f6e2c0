"""``manage.py models`` tells who serves and what the others wait for, and does what the admin's buttons do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from adplatform.learning import registry

from .test_registry import make_version

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("models", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_version_is_shadowed_tested_promoted_and_rolled_back_from_the_shell() -> None:
    first, second = make_version(0.1), make_version(0.2)
    User.objects.create_user("lea")
    assert run("promote", "ctr", "1", user="lea") == f"{first} serves now\n"
    run("shadow", "ctr", "2")
    assert "0 of 2,000 shadow scores" in run("advance")
    assert run("advance", "completion") == "completion: nothing is under test\n"
    assert run("list", "completion").splitlines()[0] == "completion"
    listed = run()
    for words in (
        "champion   v1 prior, promoted",
        "challenger v2 prior, shadow since",
        "0 of 2,000 shadow scores",
        "engagement (promoted by its gates alone)",
    ):
        assert words in listed
    run("stop", "ctr")
    run("canary", "ctr", "2", share=0.3)
    (told,) = [one for one in json.loads(run("list", json=True))["models"] if one["kind"] == "ctr"]
    assert (told["challenger"]["number"], told["challenger"]["traffic_share"]) == (2, 0.3)
    run("promote", "ctr", "2")
    assert run("rollback", "ctr") == f"{first} serves again\n"
    assert registry.champion_row("ctr") == first
    second.refresh_from_db()
    assert second.alias == "previous"
    actors = set(LogEntry.objects.values_list("user__username", flat=True))
    assert actors == {"lea", "system"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rollback", "weather"], "name one of the kinds there are: "),
        (["rollback", "ctr"], "no previous ctr model"),
        (["promote", "ctr", "7"], "the newest are: 1"),
        (["shadow", "ctr", "1"], "no ctr champion to test it against"),
        (["stop", "ctr"], "no ctr model is in shadow or canary"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], words: str) -> None:
    make_version(0.1)
    with pytest.raises(CommandError, match=words):
        run(*arguments)


def test_what_a_rollback_needs_or_nobody_would_judge_is_not_put_to_a_test() -> None:
    make_version(0.1), make_version(0.2), make_version(0.1, "engagement"), make_version(0.2, "engagement")
    for kind, number in (("ctr", "1"), ("ctr", "2"), ("engagement", "1")):
        run("promote", kind, number)
    for verb in ("shadow", "canary"):
        with pytest.raises(CommandError, match="is the previous champion, which a rollback goes back to"):
            run(verb, "ctr", "1")
        with pytest.raises(CommandError, match="promoted by their gates alone"):
            run(verb, "engagement", "2")
    assert "serves again" in run("rollback", "ctr")


def test_a_champion_whose_artifact_is_damaged_is_told_with_what_to_do() -> None:
    version = make_version(0.1)
    run("promote", "ctr", "1")
    (Path(settings.MODELS_DIR) / version.artifact).write_bytes(b"damaged")
    listed = " ".join(run().split())
    assert "CANNOT BE LOADED: the artifact of" in listed
    assert "manage.py train ctr --estimator prior" in listed
