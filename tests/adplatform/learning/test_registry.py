"""Champions: one a kind, changed in one step, served by every process without a restart, and never from damaged bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from adplatform.learning import registry, seats, stages
from adplatform.learning.predictor import PLAIN, ArtifactRefused, ColumnPredictor
from adplatform.models import ModelVersion

ROWS = np.zeros((2, 3), dtype=np.float32)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def make_version(value: float, kind: str = "ctr") -> ModelVersion:
    path, digest = registry.store_artifact(ColumnPredictor(None, value).to_bytes(), PLAIN)
    return registry.register(kind=kind, estimator="prior", artifact=path, artifact_sha256=digest)


def served(kind: str = "ctr") -> float | None:
    registry.forget_loaded()
    model = registry.load_champion(kind)
    return None if model is None else float(model.predictor.predict(ROWS)[0])


@pytest.mark.django_db
def test_there_is_no_champion_before_the_first_promotion() -> None:
    make_version(0.1)
    assert served() is None


@pytest.mark.django_db
def test_a_promotion_moves_the_champion_to_previous() -> None:
    first, second = make_version(0.1), make_version(0.2)
    registry.promote(first)
    registry.promote(second)
    first.refresh_from_db()
    assert (first.alias, second.alias, second.number) == ("previous", "champion", 2)
    assert served() == 0.2


@pytest.mark.django_db
def test_a_rollback_serves_the_previous_champion_and_can_be_undone() -> None:
    for value in (0.1, 0.2, 0.3):
        registry.promote(make_version(value))
    assert registry.rollback("ctr").number == 2
    assert served() == 0.2
    assert registry.rollback("ctr").number == 3
    assert served() == 0.3


@pytest.mark.django_db
def test_there_is_nothing_to_roll_back_to_after_one_promotion() -> None:
    registry.promote(make_version(0.1))
    with pytest.raises(registry.NotPromotable, match="no previous ctr model"):
        registry.rollback("ctr")


@pytest.mark.django_db
def test_kinds_have_champions_of_their_own() -> None:
    registry.promote(make_version(0.1, "ctr"))
    registry.promote(make_version(0.2, "engagement"))
    assert (served("ctr"), served("engagement")) == (0.1, 0.2)


@pytest.mark.django_db
def test_a_version_without_an_artifact_cannot_be_promoted() -> None:
    refused = registry.register(kind="ctr", estimator="prior", verdict="Not enough data")
    with pytest.raises(registry.NotPromotable, match="Not enough data"):
        registry.promote(refused)


@pytest.mark.django_db
def test_a_damaged_artifact_cannot_be_promoted() -> None:
    version = make_version(0.1)
    (Path(settings.MODELS_DIR) / version.artifact).write_bytes(b"damaged")
    with pytest.raises(ArtifactRefused, match="SHA-256"):
        registry.promote(version)
    assert registry.champion_row("ctr") is None


@pytest.mark.django_db
def test_storing_again_repairs_a_damaged_artifact() -> None:
    version = make_version(0.15)
    (Path(settings.MODELS_DIR) / version.artifact).write_bytes(b"damaged")
    registry.promote(make_version(0.15))
    assert served() == 0.15


@pytest.fixture
def looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOK_SECONDS", 0.0)


@pytest.mark.django_db(transaction=True)
def test_a_champion_damaged_on_disk_is_refused_and_the_loaded_one_stays(looks_every_time: None) -> None:
    registry.promote(make_version(0.1))
    assert registry.load_champion("ctr") is not None
    second = make_version(0.2)
    registry.promote(second)
    (Path(settings.MODELS_DIR) / second.artifact).write_bytes(b"damaged")
    for _ in range(2):
        kept = registry.load_champion("ctr")
        assert kept is not None
        assert kept.version_number == 1


@pytest.mark.django_db(transaction=True)
def test_serving_goes_on_while_redis_is_away(looks_every_time: None) -> None:
    registry.promote(make_version(0.1))
    assert registry.load_champion("ctr") is not None
    with override_settings(EVENTLOG_REDIS_URL="unix:///nonexistent/redis.sock?db=0"):
        kept = registry.load_champion("ctr")
    assert kept is not None
    assert kept.version_number == 1


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_leave_one_champion() -> None:
    versions = [make_version(0.1 * value) for value in range(1, 5)]

    def promote(version: ModelVersion) -> None:
        try:
            registry.promote(version)
        finally:
            connection.close()

    threads = [threading.Thread(target=promote, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    aliases = sorted(ModelVersion.objects.exclude(alias="").values_list("alias", flat=True))
    assert aliases == ["champion", "previous"]


WATCHER = """
import sys, time
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from adplatform.learning import registry, seats, stages
last = None
while last != 2:
    model = registry.load_champion("ctr")
    if model is not None and model.version_number != last:
        last = model.version_number
        print(last, flush=True)
    time.sleep(0.02)
"""


@pytest.mark.django_db(transaction=True)
def test_a_running_process_serves_a_new_champion_without_a_restart() -> None:
    registry.promote(make_version(0.1))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WATCHER, connection.settings_dict["NAME"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=settings.BASE_DIR) as watcher:
        try:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == "1\n"
            registry.promote(make_version(0.2))
            assert watcher.stdout.readline() == "2\n"
        finally:
            watcher.kill()


@pytest.mark.django_db(transaction=True)
async def test_a_look_inside_an_event_loop_happens_on_a_thread() -> None:
    from asgiref.sync import sync_to_async

    def promote_on_a_thread() -> None:
        registry.promote(make_version(0.1))
        connection.close()

    await sync_to_async(promote_on_a_thread)()
    registry.forget_loaded()
    registry.load_champion("ctr")
    for thread in threading.enumerate():
        if thread.name == "champion-ctr":
            await sync_to_async(thread.join)()
    model = registry.load_champion("ctr")
    assert model is not None
    assert model.version_number == 1


# The challenger beside the champion


@pytest.mark.django_db
def test_one_look_seats_champion_and_challenger_with_its_share() -> None:
    champion, challenger = make_version(0.1), make_version(0.2)
    registry.promote(champion)
    stages.canary(challenger, 0.25, now=NOW)
    registry.forget_loaded()
    serving = registry.load_serving("ctr")
    assert (serving.champion and serving.champion.version_number, serving.challenger and serving.challenger.version_number) == (1, 2)
    assert (serving.stage, serving.traffic_share) == ("canary", 0.25)
    alone = registry.load_challenger("ctr")
    assert (alone.champion, alone.challenger and alone.challenger.version_number) == (None, 2)


@pytest.mark.django_db(transaction=True)
def test_a_damaged_challenger_leaves_the_champion_alone_and_keeps_its_share(looks_every_time: None) -> None:
    registry.promote(make_version(0.1))
    challenger = make_version(0.2)
    assert registry.load_serving("ctr").challenger_version is None
    stages.canary(challenger, 0.25, now=NOW)
    (Path(settings.MODELS_DIR) / challenger.artifact).write_bytes(b"damaged")
    for _ in range(2):
        serving = registry.load_serving("ctr")
        assert (serving.champion and serving.champion.version_number, serving.challenger) == (1, None)
        assert (serving.challenger_version, serving.traffic_share) == (2, 0.25)
    registry.store_artifact(ColumnPredictor(None, 0.2).to_bytes(), PLAIN)
    stages.stop("ctr", "Enough.", now=NOW)
    registry.promote(challenger)
    model = registry.load_champion("ctr")
    assert model is not None
    assert model.version_number == 2
