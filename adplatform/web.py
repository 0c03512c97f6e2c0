"""The application of a web process: what a first request would wait for is there before the port opens."""

import sys

from adplatform import bodies, warmth
from adplatform.asgi import application as whole

# How long a thread may keep the interpreter from the event loop. Five milliseconds, the default, for each busy thread are too many where
# hundreds of sockets wait for answers.
sys.setswitchinterval(0.001)
bodies.install()
warmth.run()
application = bodies.read_from_disk(whole)

__all__ = ["application"]
