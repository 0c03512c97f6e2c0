"""Times as people write them are read alike everywhere, and what is none is answered with the form that is wanted."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command

from adplatform.moments import NotATime, read_day, read_moment, read_since

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def test_a_time_is_in_utc_unless_it_names_a_zone() -> None:
    assert read_moment("2026-11-03T12:00") == read_moment("2026-11-03T14:00+02:00") == NOON
    assert read_moment("2026-11-03T14:00+02:00").utcoffset() == NOON.utcoffset()
    assert read_moment("2026-11-03") == NOON.replace(hour=0)
    assert read_day("2026-11-03") == date(2026, 11, 3)
    assert read_since("36h", NOON) == datetime(2026, 11, 2, tzinfo=UTC)
    assert read_since("2026-11-03T12:00Z", NOON) == NOON


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("monitor", "ctr", "--as-of", "yesterday"), "--as-of: 'yesterday' is no time; write it as 2026-11-03 or 2026-11-03T12:00"),
        (("train", "ctr", "--as-of", "2026-13-01"), "'2026-13-01' is no time; write it as"),
        (("monitor", "ctr", "--as-of", "0001-01-01"), "'0001-01-01' is too far off; times lie between 2000 and 2099"),
        (("archive_day", "today"), "day: 'today' is no day; write it as 2026-11-03"),
        (("archive_day", "--all-before", "9999-12-31"), "too far off"),
        (("archive_day", "2099-12-31"), "ads_adevent of 2099-12-31 is not over yet: days end at midnight UTC and are archived from 2100-01-01 on"),
        (("train", "ctr", "--as-of", "0001-01-01"), "too far off"),
        (("train", "ctr", "--update", "--estimator", "lightgbm"), "leave --estimator and --engine out"),
        (("train", "engagement", "--update"), "engagement models do not learn on, for they predict a number"),
        (("train", "ctr", "--scheduler", "tcp://127.0.0.1:9"), "say --engine dask as well, or leave it out"),
    ],
)
@pytest.mark.django_db
def test_a_command_says_what_form_it_wants(command: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words.replace("(", r"\(")):
        call_command(*command)


@pytest.mark.parametrize(
    ("text", "words"), [("soon", "write 24h, 7d or 2w"), ("99999w", "too far off"), ("0001-01-01", "too far off"), ("99999d", "too far")]
)
def test_a_time_back_says_what_it_could_be(text: str, words: str) -> None:
    with pytest.raises(NotATime, match=words):
        read_since(text, NOON)
