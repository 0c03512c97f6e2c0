"""The ledger: what is charged and taken back. `book` and `reverse` run inside the consumer's transaction."""

from .accounts import COUNT_OF, COUNTS, Account, OverBudget, lock, recount_day
from .booking import CHARGED_ON, KIND, Billable, Booked, book
from .reversals import Reversal, Reversed, reverse

__all__ = [
    "CHARGED_ON", "COUNTS", "COUNT_OF", "KIND", "Account", "Billable", "Booked", "OverBudget", "Reversal", "Reversed", "book", "lock", "recount_day",
    "reverse",
]  # fmt: skip
