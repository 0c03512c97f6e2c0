"""What the catalogue holds that a text speaks of, for the caller who asks."""

from .hybrid import Hit, search
from .store import Refreshed, refresh

__all__ = ["Hit", "Refreshed", "refresh", "search"]
