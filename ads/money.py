"""Amounts of money as people write them, and the integer micros they are stored as."""

from __future__ import annotations

import re
from decimal import Decimal

MICROS = 1_000_000
LARGEST = 10**18
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}
_CODE = re.compile(r"^\s*(?P<before>[A-Za-z]{3}\b|[$€£])?\s*(?P<amount>.*?)\s*(?P<after>\b[A-Za-z]{3}|[$€£])?\s*$")


class WrongAmount(ValueError):
    """The text is no amount that can be charged here; the message says why, in words."""


def read_amount(text: str, *, currency: str) -> int:
    """“1,250”, “18.50” or “18.50 USD” as micros of ``currency``. Raises WrongAmount."""
    found = _CODE.match(text)
    named = {_SIGNS.get(code, code.upper()) for code in (found["before"], found["after"]) if code} if found else set()
    amount = found["amount"] if found else text
    if named - {currency}:
        raise WrongAmount(
            f"“{text.strip()}” is in {' and '.join(sorted(named))}; this installation sells in {currency}. Convert it and write the {currency}."
        )
    try:
        micros = Decimal(amount.replace(",", "").replace("_", "")) * MICROS
    except ArithmeticError:
        raise WrongAmount(f"“{text.strip()}” is no amount of {currency}; write it like 1250 or 18.50.") from None
    if not micros.is_finite():
        raise WrongAmount(f"“{text.strip()}” is no amount of {currency}; write it like 1250 or 18.50.")
    if micros != micros.to_integral_value():
        raise WrongAmount("An amount has at most six decimals.")
    if not 0 <= micros <= LARGEST:
        raise WrongAmount("An amount cannot be negative, nor larger than a trillion.")
    return int(micros)


def write_amount(micros: int) -> str:
    """The plain text that `read_amount` reads back."""
    return f"{(Decimal(micros) / MICROS).normalize():f}"
