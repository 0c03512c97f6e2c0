"""The admin that ad-ops staff work in all day."""

from . import billing, selling

__all__ = ["billing", "selling"]
