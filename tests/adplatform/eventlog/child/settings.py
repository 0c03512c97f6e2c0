"""The tests' settings for a process of its own."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.adplatform.eventlog.child.apps.ChildConfig"]
