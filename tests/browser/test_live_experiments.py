"""The pages on experiments in a real browser: a hostile name stays text, the ribbon is drawn, and a button asks before it acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from adplatform.models import Experiment, ExperimentReading

from .conftest import _process
from .parts import Complaints, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

PATIENCE = 120_000
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ended(context: BrowserContext, site: Site) -> Iterator[Experiment]:
    """An experiment that nobody is in, of which three looks were taken, the first without enough units."""
    admin = User.objects.create_superuser("tries")
    client = Client()
    client.force_login(admin)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    now = datetime.now(UTC)
    arms = [{"name": "control", "share": 0.5}, {"name": HOSTILE, "share": 0.5}]
    experiment = Experiment.objects.create(
        key=HOSTILE, description=HOSTILE, arms=arms, state="stopped", metric="film_completion", started_at=now - timedelta(days=3),
        stopped_at=now, guardrails=[{"metric": "film_completion", "worst": 0.1}],
    )  # fmt: skip
    for look, low in enumerate((None, -0.1, 0.02)):
        shares = {} if low is None else {"change": 0.2, "change_low": low, "change_high": 0.4, "guard": {"worst": 0.1, "change": 0.2, "best": 0.4}}
        at = now - timedelta(hours=30 - 10 * look)
        counts = {"p": 1.0, "counts": [150, 151], "expected": [150.5, 150.5]}
        ExperimentReading.objects.create(
            experiment=experiment, at=at, metric="sample_ratio", units=301, control_units=150, figures=counts, words=HOSTILE
        )
        ExperimentReading.objects.create(
            experiment=experiment, at=at, metric="film_completion", arm=HOSTILE, units=151, control_units=150, mean=0.6, control_mean=0.5,
            effect=None if low is None else 0.1, low=None if low is None else low / 2, high=None if low is None else 0.2, figures=shares,
            verdict="better" if look == 2 else "not_yet", words=f"look {look} {HOSTILE}",
        )  # fmt: skip
    yield experiment
    LogEntry.objects.filter(user=admin).delete()
    experiment.delete()
    admin.delete()


def test_an_experiment_is_found_read_and_rolled_out_and_no_name_becomes_markup(
    page: Page, complaints: Complaints, ended: Experiment, tmp_path: Path
) -> None:
    with _process(tmp_path / "publisher.log", "manage.py", "publish_live"):
        page.goto("/live/experiments/")
        card = page.locator(".trial-card")
        expect(card).to_contain_text(f"look 2 {HOSTILE}", timeout=PATIENCE)
        expect(card.locator(".verdict")).to_have_text("better")
        card.get_by_role("link", name=HOSTILE).click()
        ribbon = page.locator("[data-figure=ribbon-film_completion]")
        expect(page.locator("[data-table=metrics] tbody tr")).to_contain_text("+20.0 % [+2.0, +40.0]", timeout=PATIENCE)
        expect(page.locator("[data-table=guardrails] tbody tr")).to_contain_text("50 points")
        ribbon.scroll_into_view_if_needed()
        ribbon.get_by_text("Show as a table").click()
        expect(ribbon.locator("tbody tr")).to_have_count(2, timeout=PATIENCE)
        expect(ribbon.locator("tbody tr").first).to_contain_text(re.compile(r"20\.0% \(2\.00% . 40\.0%\)"))

        page.get_by_role("button", name=f"Roll out {HOSTILE}").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"Everybody gets {HOSTILE} from now on; until now nobody does. It measured 301 units.")
        dialog.get_by_role("button", name="Cancel").click()
        assert not Experiment.objects.exclude(rolled_out="").exists()
        page.get_by_role("button", name=f"Roll out {HOSTILE}").click()
        page.get_by_role("dialog").get_by_role("button", name=f"Roll out {HOSTILE}").click()
        expect(page.get_by_text(f"{HOSTILE} gives everybody {HOSTILE}.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("button", name=f"Take {HOSTILE} back")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("#moved")).to_contain_text(f"tries: {HOSTILE} for everybody")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function("document.documentElement.scrollWidth === 390")
    assert page.locator("main img").count() == 0
    assert complaints.found == []
