"""The tests' settings for a process of its own, without the rooms above, whose imports would cost more than the test."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "adplatform", "tests.adplatform.eventlog.child.apps.ChildConfig"]
MIDDLEWARE = []
ROOT_URLCONF = "tests.adplatform.eventlog.child.urls"
