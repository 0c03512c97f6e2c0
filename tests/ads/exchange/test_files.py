"""Whatever is in a file, reading it ends in a table or in a sentence."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from ads.exchange import files

PLAIN = "Name,Note\nSpring,first\nSummer,second\n"


def workbook(*rows: list[object]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def archive(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [PLAIN.encode(), PLAIN.encode("utf-8-sig"), PLAIN.encode("utf-16"), PLAIN.replace(",", ";").encode(), PLAIN.replace(",", "\t").encode(), PLAIN.replace("\n", "\r\n").encode()],
    ids=["plain", "byte order mark", "utf-16", "semicolons", "tabs", "windows lines"],
)  # fmt: skip
def test_a_csv_is_read_however_a_spreadsheet_wrote_it(content: bytes) -> None:
    table = files.read_table(content)
    assert (table.headers, table.rows, table.lines) == (("Name", "Note"), (("Spring", "first"), ("Summer", "second")), (2, 3))


def test_latin_1_is_read_and_told() -> None:
    table = files.read_table("Name\nCafé Zürich\n".encode("latin-1"))
    assert table.rows == (("Café Zürich",),)
    assert "Western European" in table.notes[0]


def test_lines_are_numbered_as_in_the_file_with_cells_of_several_lines_and_empty_ones() -> None:
    assert files.read_table(b'Name,Note\n"Spring","one\ntwo"\n\nSummer,\n').lines == (2, 5)


def test_an_xlsx_is_read_as_text() -> None:
    table = files.read_table(workbook(["Name", "Count", "Yes"], ["Spring", 5.0, True], ["=1+1", None, "'=x"]))
    assert table.rows[0] == ("Spring", "5", "yes")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"), (b"Name\n", "no rows"), (b"Name,name\na,b\n", "there twice"), (b"Name,\xff\xfe\x00\n", "neither CSV nor XLSX"),
        (b"Name,,Other\na,b,c\n", "Column 2 has no name"), (b"Name\na,b\n", "more cells than"), (b"\x89PNG\r\n\x1a\n\0\0\0", "neither CSV nor XLSX"),
        (b"PK\x03\x04 nothing more", "damaged"), (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old Excel file"), (b'Name\n"' + b"x" * 200_000, "cannot be read as CSV"),
        (b"Name\n" + b"x" * 11_000, "cell of 11,000"), (b"Name\n" + b"a\n" * 1_001, "more than 1,000 rows"), (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (archive({"word/document.xml": b"<a/>"}), "no XLSX workbook"),
        (archive({"xl/workbook.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}), "declares entities"),
        (archive({"xl/workbook.xml": b"0" * (61 * 1024 * 1024)}), "unfolds to far more"),
        (archive({"xl/workbook.xml": b"<a/>"}), "workbook cannot be read"),
    ],
    ids=["empty", "headers alone", "twice", "binary", "no name", "too many cells", "picture", "damaged", "xls", "open quote", "long cell", "many rows",
         "large", "another archive", "entities", "bomb", "no workbook"],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(files.WrongFile, match=words):
        files.read_table(content)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip))
def test_what_a_spreadsheet_would_run_is_written_as_text_and_read_back_as_it_was(text: str) -> None:
    written = files.write_csv(["Name", "Kept"], [[text, "x"]])
    cell = written.decode("utf-8-sig").splitlines()[1].lstrip('"')
    assert not cell.startswith(("=", "+", "-", "@"))
    assert files.read_table(written).rows == ((text, "x"),)


def test_a_workbook_holds_no_formula() -> None:
    table = files.read_table(files.write_xlsx(["Name", "Count"], [["=cmd|' /C calc'!A0", 5], ["@SUM(1)", -3]], "Flights"))
    assert table.rows == (("=cmd|' /C calc'!A0", "5"), ("@SUM(1)", "-3"))
