"""Our categories of ads in the words of the field: IAB Tech Lab Content Taxonomy 1.0, the one that buyers name in OpenRTB and VAST."""

from __future__ import annotations

AUTHORITY = "iabtechlab.com"
IAB: dict[str, str] = {
    "automotive": "IAB2",
    "entertainment": "IAB1",
    "finance": "IAB13",
    "food_drink": "IAB8",
    "gaming": "IAB9-30",
    "retail": "IAB22",
    "telecom": "IAB19-6",
    "travel": "IAB20",
}


def iab_category(category: str) -> str:
    """The taxonomy's id; empty for a category of ours that it has no word for."""
    return IAB.get(category, "")
