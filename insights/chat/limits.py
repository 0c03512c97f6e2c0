"""How many questions one person may ask, over page, socket and API together."""

from __future__ import annotations

from rest_framework.throttling import UserRateThrottle

TOO_MANY = "That was a lot of questions in a short time. Please wait a minute."


class AskThrottle(UserRateThrottle):
    scope = "ask"
    rate = "30/min"
