"""The admin that ad-ops staff work in all day."""

from . import audience, billing, campaigns, creatives, decisions, flights, policies, reports, reports_saved, statements

__all__ = ["audience", "billing", "campaigns", "creatives", "decisions", "flights", "policies", "reports", "reports_saved", "statements"]
