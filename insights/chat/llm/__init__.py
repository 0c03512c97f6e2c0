"""The language model, where one is configured: it may read a question that the built-in analyst cannot, and word an answer. Never a figure."""

from .assistant import Assistant, configured
from .phrasing import PhrasingFailed
from .planning import PlanFailed, Question

__all__ = ["Assistant", "PhrasingFailed", "PlanFailed", "Question", "configured"]
