"""An answer's table as a file: exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.chat.export import file_name, table_csv

COLUMNS = [
    {"name": "campaign", "label": "campaign", "role": "dimension", "unit": ""},
    {"name": "spend", "label": "spend", "role": "measure", "unit": "money"},
    {"name": "ctr", "label": "CTR", "role": "measure", "unit": "share"},
]


def read(rows: list[list[Any]]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table_csv(COLUMNS, rows, currency="EUR"), newline="")))


def test_figures_are_exact_and_what_is_not_there_is_empty() -> None:
    assert read([["Électric, \"Dawn\"", 1234.5678901, 0.1 + 0.2], ["b", -3, None]]) == [
        ["campaign", "spend (EUR)", "CTR (share of 1)"],
        ["Électric, \"Dawn\"", "1234.5678901", "0.30000000000000004"],
        ["b", "-3", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_a_name_that_a_spreadsheet_would_run_is_text(name: str) -> None:
    assert read([[name, 1, 1]])[1][0] == f"'{name}"


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_whatever_the_names_are_every_cell_comes_back(name: str, one: float, other: int) -> None:
    (_, (said, first, second)) = read([[name, one, other]])
    assert said.removeprefix("'") == name.removeprefix("'") or said == f"'{name}"
    assert (float(first), int(second)) == (one, other)
    assert not said.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_file_name_has_plain_letters_alone() -> None:
    assert file_name('Spend "by"\r\nX: 1; ../é?') == "spend-by-x-1.csv"
    assert file_name("???") == "answer.csv"
