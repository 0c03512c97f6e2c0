from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adplatform.experiments import selectors as experiments
from adplatform.learning import registry
from adplatform.learning.predictor import PLAIN, ColumnPredictor
from adplatform.models import Experiment
from catalog.selectors import title_for_watching
from engagement.director import usual
from engagement.director.features import SCHEMA
from engagement.playback.sessions import Opened, session_open
from tests.media import Films

Open = Callable[..., Opened]


@pytest.fixture
def opened(films: Films) -> Open:
    """Opens a session of Test Pattern as the HTTP view would."""

    def open_session(**changes: Any) -> Opened:
        given: dict[str, Any] = {"title": title_for_watching("test-pattern"), "viewer": None, "tab": "one", "device": "tv", "hour": 20}
        return session_open(**(given | {"now": datetime.now(UTC)} | changes))

    return open_session


@pytest.fixture
def session(opened: Open) -> Opened:
    return opened()


@pytest.fixture
def other(opened: Open) -> Opened:
    return opened(tab="two")


@pytest.fixture
def champion(db: None) -> Iterator[None]:
    """An engagement model that expects as much to be watched as the coming scene is intense: easy to reason about, and served as any other."""
    path, digest = registry.store_artifact(ColumnPredictor(SCHEMA.names.index("intensity"), 0.5).to_bytes(), PLAIN)
    parameters = {"schema_fingerprint": SCHEMA.fingerprint(), "interval": {"edges": [], "low": [-0.1], "high": [0.1]}}
    registry.forget_loaded()
    registry.promote(registry.register(kind="engagement", estimator="prior", artifact=path, artifact_sha256=digest, parameters=parameters))
    registry.load_champion("engagement")
    usual.forget()
    yield
    registry.forget_loaded()


@pytest.fixture
def in_control(opened: Open) -> Opened:
    Experiment.objects.create(key="director", arms=[{"name": "control", "share": 0.999}, {"name": "on", "share": 0.001}], state="running")
    experiments.forget()
    try:
        return next(found for _ in range(50) if (found := opened(tab="three")).session.arms == {"director": "control"})
    finally:
        experiments.forget()
