"""Why a file did not become an ad: one registry, code -> what is wrong and what to do, for admin, API and reports alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """``title`` names it in a few words, ``remedy`` says what the sender does about it; ``again`` where the same file may do later."""

    title: str
    remedy: str
    again: bool = False


REASONS: dict[str, Reason] = {
    "empty": Reason("Empty file", "Send the file again and wait until the upload is complete."),
    "not_a_video": Reason("Not a video", "Send the ad as MP4, MOV or WebM."),
    "unsupported_container": Reason("Container not taken", "Export it as MP4, MOV or WebM; renaming the file changes nothing."),
    "unsupported_codec": Reason(
        "Codec not taken", "Export it with H.264 picture and AAC sound. HEVC, VP8, VP9, AV1, ProRes, MPEG-2 and MPEG-4 are taken too."
    ),
    "truncated": Reason("Breaks off", "The end of the file is missing: export it again, or copy it again from where it is whole."),
    "damaged": Reason("Damaged", "Export it again from the editing program; a copy of the same file will be as damaged."),
    "no_video": Reason("No picture", "The file holds no moving picture; export picture and sound together."),
    "no_audio": Reason("No sound track", "Ads play with sound: export it with its sound track."),
    "silent": Reason("Silent", "The sound track holds nothing that can be heard; check the levels and which track was exported."),
    "too_long": Reason("Too long", "Cut it to a length that a break can hold."),
    "too_short": Reason("Too short", "Send the whole ad; this is less than anybody can take in."),
    "too_large": Reason("File too large", "Export it for delivery: 10 Mbit/s is more than enough for this picture."),
    "too_small_picture": Reason("Picture too small", "Export it in at least 256x144; 1280x720 or 1920x1080 looks best."),
    "too_large_picture": Reason("Picture too large", "Export it in 1920x1080; 4096x2304 is the most that is taken."),
    "odd_shape": Reason("Odd shape", "Export it in 16:9. Upright 9:16 is taken too, between black bars; strips are not."),
    "no_such_duration": Reason("No duration", "The file does not say how long it is and could not be played to find out; export it again."),
    "lengths_differ": Reason("Picture and sound differ in length", "One of both tracks ends early: export it again with both in full."),
    "too_heavy": Reason("Takes too long to decode", "Export it for delivery as H.264 in 1920x1080 at 60 frames a second at most."),
    "not_packaged": Reason("Could not be packaged", "Try again; if it fails once more, export it as H.264 and AAC and send that.", again=True),
    "original_gone": Reason("Original not found", "The stored file is missing or was changed on disk; upload it once more."),
    "worker_lost": Reason(
        "Processing was interrupted", "Three times the process that worked on it ended without a word. Try again; look at its log.", again=True
    ),
}


def reason_of(code: str) -> Reason:
    """What is known of a code; one from another version of the product is told as it is."""
    return REASONS.get(code) or Reason(code.replace("_", " ").capitalize(), "Try again, or send the file once more.", again=True)
