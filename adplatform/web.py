"""The application of a web process: what a first request would wait for is there before the port opens."""

from adplatform import warmth
from adplatform.asgi import application

warmth.run()

__all__ = ["application"]
