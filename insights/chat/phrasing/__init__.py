"""The built-in wording: sentences with placeholders over a result, and the line that says how the question was read."""

from .interpretation import filter_words, interpretation
from .template import template
from .words import Telling

__all__ = ["Telling", "filter_words", "interpretation", "template"]
