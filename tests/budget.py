"""How long each room's tests took beside what they may take. Printed after a run; it reports and never fails a test."""

from __future__ import annotations

from collections import Counter

import pytest

# Seconds, over both processes. Together they stay under the 12 minutes that the whole suite may take on 2 cores.
BUDGET = {"adplatform": 260, "catalog": 60, "ads": 340, "engagement": 240, "insights": 160, "browser": 380}

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
