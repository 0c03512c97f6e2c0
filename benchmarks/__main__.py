"""Every benchmark, one after the other, each in a process of its own; the last figures are kept in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, interval, table

SHARED = {
    "__init__",
    "__main__",
    "audience_log",
    "audience_world",
    "bare_socket",
    "chart",
    "director_truth",
    "director_world",
    "first_demo",
    "first_demo_rule",
    "first_director",
    "harness",
    "insights_judge",
    "insights_learning",
    "insights_world",
    "inventory",
    "pacing_world",
    "viewers",
    "watching_log",
}
REPORT = ROOT / "docs" / "benchmarks.md"


def names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED)


def run(name: str, *, quick: bool) -> dict[str, Any] | None:
    """The benchmark's result, None when it failed; what it said is on stderr already."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def report(results: list[dict[str, Any]], *, quick: bool) -> str:
    kind = "quick run (`python -m benchmarks --quick --keep`)" if quick else "full run (`make bench`)"
    lines = [
        "# Benchmarks", "",
        f"Figures of the last {kind}, {datetime.now(UTC):%Y-%m-%d}. Each can be repeated: `python -m benchmarks.NAME [--quick] [--json]`.",
        "`load_before` is the machine's load when it started: above 0.5, something else was running and the figures are too low.", "",
    ]  # fmt: skip
    for result in results:
        lines += [f"## {result['benchmark']}", "", "| what | measured | goal | |", "|---|---|---|---|"]
        for row in result["rows"]:
            verdict = {None: "", True: "met", False: "**missed**"}[row["met"]]
            goal = "" if row["goal"] is None else f"{row['goal']:,g}"
            lines.append(f"| {row['name']} | {row['value']:,.6g} {row['unit']} {interval(row)} | {goal} | {verdict} |")
        lines += ["", "Machine: " + ", ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".", ""]
        lines += ["Versions: " + ", ".join(f"{key} {value}" for key, value in result["versions"].items()) + ".", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most 60 seconds each; docs/benchmarks.md stays as it is")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md after a quick run too")
    arguments = parser.parse_args()
    results, failed = [], []
    for name in names():
        result = run(name, quick=arguments.quick)
        if result is None:
            failed.append(name)
            continue
        results.append(result)
        print(table(result), end="\n\n", flush=True)
    if (arguments.keep or not arguments.quick) and not failed:
        REPORT.write_text(report(results, quick=arguments.quick))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
