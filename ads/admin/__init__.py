"""The admin that ad-ops staff work in all day."""

from . import billing, campaigns, creatives, decisions, flights, policies, reports, reports_saved, statements

__all__ = ["billing", "campaigns", "creatives", "decisions", "flights", "policies", "reports", "reports_saved", "statements"]
