"""Why a figure moved: whether it did at all, which parts of the business it came from, and what was changed meanwhile."""
