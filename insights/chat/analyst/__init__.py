"""The built-in analyst: no language model. Every word of a question must be accounted for, or it asks, or says what can be asked."""

from .reader import read
from .says import can_ask

__all__ = ["can_ask", "read"]
