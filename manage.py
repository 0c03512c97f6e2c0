#!/usr/bin/env python
"""Django's command line, with the embedded servers up for as long as the command runs."""

import os
import sys

from adplatform import runtime

COMMANDS_WITHOUT_SERVERS = {"help", "version", "--help", "--version", "makemessages", "compilemessages", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adplatform.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in COMMANDS_WITHOUT_SERVERS:
        execute_from_command_line(sys.argv)
        return
    try:
        with runtime.servers():
            execute_from_command_line(sys.argv)
    except (runtime.RuntimeProblem, ImproperlyConfigured) as problem:
        sys.exit(f"intermission: {problem}")


if __name__ == "__main__":
    main()
