"""How long each room's tests took beside what they may take. Printed after a run; it reports and never fails a test."""

from __future__ import annotations

from collections import Counter

import pytest

# Seconds on 2 cores. Together they stay under the 12 minutes that the whole suite may take.
BUDGET = {"adplatform": 150, "catalog": 60, "ads": 120, "engagement": 150, "insights": 100, "browser": 160}

_spent: Counter[str] = Counter()


def room_of(nodeid: str) -> str:
    parts = nodeid.split("/")
    return parts[1] if len(parts) > 2 else "other"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _spent[room_of(report.nodeid)] += report.duration  # type: ignore[assignment]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("time by room")
    for room, seconds in _spent.most_common():
        budget = BUDGET.get(room)
        over = "" if budget is None or seconds <= budget else "  OVER ITS BUDGET"
        terminalreporter.write_line(f"{room:<12} {seconds:6.1f} s of {budget or '-'} s{over}")
