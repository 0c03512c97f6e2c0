"""The error codes of VAST 4.2 (section 2.3.6.3) and what each means, in words for staff."""

from __future__ import annotations

UNDEFINED = 900
CODES: dict[int, str] = {
    100: "The player could not parse the XML",
    101: "The player found the XML not to follow the VAST schema",
    102: "The player does not support this version of VAST",
    200: "The player expected another kind of ad",
    201: "The player expected a linear ad and got another, or the other way round",
    202: "The player expected another duration",
    203: "The player expected another size",
    204: "The ad's category was required and not given",
    205: "The ad's category is blocked by the publisher",
    206: "The break was shortened, and the ad was left out",
    300: "A wrapper could not be followed",
    301: "The address of a wrapper timed out",
    302: "Too many wrappers, one behind the other",
    303: "No ad came back, after all wrappers",
    304: "An in-line ad was not shown within the time allowed",
    400: "The clip could not be shown, for a reason not told",
    401: "The clip was not found",
    402: "Loading the clip timed out",
    403: "No file of the clip is of a kind that the player can play",
    405: "The player had a problem with showing the clip",
    406: "A mezzanine file was required and not given",
    407: "The mezzanine file is being fetched for the first time, and the ad will be ready later",
    408: "The ad was refused, after being judged against the publisher's rules",
    409: "The interactive part could not be run",
    410: "The script of a verification vendor could not be run",
    411: "The ad could not be shown, because its mezzanine file does not meet what is asked for",
    500: "The overlay could not be shown, for a reason not told",
    501: "The overlay does not fit where it should stand",
    502: "The overlay could not be fetched",
    503: "The overlay is of a kind that the player cannot show",
    600: "The companion could not be shown, for a reason not told",
    601: "The companion does not fit where it should stand",
    602: "A required companion could not be shown",
    603: "The companion could not be fetched",
    604: "The companion is of a kind that the player cannot show",
    900: "An error of no known kind",
    901: "The interactive ad had an error",
    902: "An interactive unit had an error",
}


def read_code(sent: str) -> tuple[int, str]:
    """The code, and what was sent where that is none: such a report counts as undefined."""
    code = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 4 else 0
    return (code, "") if code in CODES else (UNDEFINED, sent[:40])
