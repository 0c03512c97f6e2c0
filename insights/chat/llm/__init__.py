"""The language model, where one is configured: it may read a question that the built-in analyst cannot, and word an answer. Never a figure."""

from .phrasing import SYSTEM, Assistant, PhrasingFailed, configured

__all__ = ["SYSTEM", "Assistant", "PhrasingFailed", "configured"]
