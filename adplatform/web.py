"""The application of a web process: what a first request would wait for is there before the port opens."""

import sys

from adplatform import warmth
from adplatform.asgi import application

# How long a thread may keep the interpreter from the event loop. Five milliseconds, the default, for each busy thread are too many where
# hundreds of sockets wait for answers.
sys.setswitchinterval(0.001)
warmth.run()

__all__ = ["application"]
