"""What a clip or a picture is made from. The recipe's hash names its folder, so a changed recipe is a new address and caches never lie."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

# Raise it when the drawing, the sound or the encoding changes: every clip is then rebuilt at a new address.
RECIPE_VERSION = 3
WIDTH, HEIGHT, FRAMES_PER_SECOND = 640, 360, 24
SEGMENT_SECONDS = 2


@dataclass(frozen=True)
class SceneRecipe:
    """A drawn scene of a film. ``tight_drops`` are the indices of the segments that the tight cut leaves out."""

    title: str
    name: str
    position: int
    scenes: int
    setting: str
    motif: str
    accent: str
    backdrop: str
    mood: str
    intensity: float
    seconds: float
    seed: int
    captions: str
    tight_drops: tuple[int, ...] = ()


@dataclass(frozen=True)
class AdRecipe:
    """A drawn ad: ``headline`` is what it sells, ``call`` what to do next, ``product`` the scene.

    ``palette`` is ground, accent and ink; ``motion`` is how fast it all moves (1 is calm).
    """

    brand: str
    headline: str
    tagline: str
    call: str
    product: str
    palette: tuple[str, str, str]
    variant: int
    motion: float
    jingle: str
    seconds: float
    seed: int
    captions: str


@dataclass(frozen=True)
class DiagnosticRecipe:
    """A test picture whose flat patch and single tone tell a measuring player which clip is on screen."""

    label: str
    colour: str
    tone: float
    seconds: float
    captions: str
    tight_drops: tuple[int, ...] = ()


@dataclass(frozen=True)
class UploadRecipe:
    """A clip that is packaged from a file somebody uploaded: ``file`` is its name below ORIGINALS_DIR, ``sha256`` what must be in it,
    ``loudness`` the LUFS it is brought to."""

    file: str
    sha256: str
    loudness: float
    captions: str


@dataclass(frozen=True)
class PictureRecipe:
    """The still pictures of a title: poster 2:3, card 16:9 and hero."""

    title: str
    tagline: str
    setting: str
    motif: str
    accent: str
    backdrop: str
    seed: int


ClipRecipe = SceneRecipe | AdRecipe | DiagnosticRecipe | UploadRecipe


def digest(recipe: ClipRecipe | PictureRecipe) -> str:
    """SHA-256 of the recipe in canonical JSON, 64 hex digits."""
    content = {"kind": type(recipe).__name__, "version": RECIPE_VERSION, **asdict(recipe)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def folder(recipe: ClipRecipe | PictureRecipe) -> str:
    """The recipe's folder below the media root."""
    kind = "pictures" if isinstance(recipe, PictureRecipe) else "clips"
    return f"{kind}/{digest(recipe)[:32]}"
