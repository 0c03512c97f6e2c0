"""The permanent control slice: a share of the audience whose ads are ranked without the model, so that its lift can be read."""

from __future__ import annotations

import hashlib

from .request import AdRequest

CONTROL_SHARE = 0.05
# Another salt draws another slice: changing it ends every comparison that runs.
SALT = b"intermission/control/1"


def in_control(request: AdRequest) -> bool:
    """Whether this viewer (without consent: this session) belongs to the slice; always the same answer for the same one."""
    who = request.viewer if request.consent and request.viewer is not None else request.session
    digest = hashlib.blake2b(who.bytes, key=SALT, digest_size=8).digest()
    return int.from_bytes(digest, "big") < CONTROL_SHARE * 2**64
