"""Questions that staff have checked: they answer first, under the asker's own scope, and say who checked them."""

from .answering import VerifiedHit, verified

__all__ = ["VerifiedHit", "verified"]
