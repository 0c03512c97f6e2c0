"""Still pictures: a title's poster, card and hero, and the still of a packaged clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from catalog.media.colour import WHITE, Palette, mix, palette_of
from catalog.media.landscape import draw_landscape
from catalog.media.lettering import fitted, font, wrapped, write_block
from catalog.media.motifs import MOTIFS
from catalog.media.packaging import ffmpeg, run
from catalog.media.recipe import PictureRecipe
from catalog.media.texture import Size

POSTER, CARD, HERO = (600, 900), (960, 540), (1440, 614)
QUALITY = 86
# The light a film is remembered in.
SIGNATURE_MOOD = {"ocean": "dusk", "city": "night", "space": "dawn", "forest": "calm", "winter": "dusk", "desert": "dusk"}


def draw_pictures(recipe: PictureRecipe, folder: Path) -> None:
    """Writes poster.jpg (2:3, lettered), card.jpg (16:9, lettered) and hero.jpg (wide, without lettering)."""
    palette = palette_of(recipe.accent, recipe.backdrop, SIGNATURE_MOOD[recipe.setting])
    poster = _view(recipe, palette, POSTER, motif_at=0.5, motif_size=1.05)
    _shade(poster, 0.52, 0.86)
    _letter(poster, recipe, palette, left=None, foot=0.945, width=0.86, size=74)
    poster.convert("RGB").save(folder / "poster.jpg", quality=QUALITY)
    card = _view(recipe, palette, CARD, motif_at=0.66, motif_size=1.25)
    _shade(card, 0.5, 0.8)
    _letter(card, recipe, palette, left=0.05, foot=0.93, width=0.7, size=58)
    card.convert("RGB").save(folder / "card.jpg", quality=QUALITY)
    _view(recipe, palette, HERO, motif_at=0.7, motif_size=1.3).convert("RGB").save(folder / "hero.jpg", quality=QUALITY)


def _view(recipe: PictureRecipe, palette: Palette, size: Size, *, motif_at: float, motif_size: float) -> Image.Image:
    land = draw_landscape(size, recipe.setting, palette, recipe.seed)
    picture = land.sky.convert("RGBA")
    for layer in (land.clouds, land.far, land.middle):
        picture.alpha_composite(layer)
    motif, unit = MOTIFS.get(recipe.motif), size[1] / 360
    if motif is not None:
        # In a narrow frame a wide motif is fitted to the width rather than cut.
        scale = min(motif_size * unit, size[0] * 1.04 / motif.width) if motif.movement != "rise" else max(unit, size[0] / motif.width)
        drawn = motif.picture(palette, scale)
        top = size[1] * 0.06 if motif.movement == "rise" else land.stand - motif.rest * scale - drawn.height
        left = size[0] * motif_at - drawn.width / 2 if motif.movement != "rise" else (size[0] - drawn.width) / 2
        whole = Image.new("RGBA", size, (0, 0, 0, 0))
        whole.paste(drawn, (round(left), round(top)))
        picture.alpha_composite(whole)
    picture.alpha_composite(land.near)
    return picture


def _shade(picture: Image.Image, begins: float, strength: float) -> None:
    """Darken towards the foot, so that lettering can be read on any picture."""
    rows = np.clip((np.linspace(0, 1, picture.height) - begins) / (1 - begins), 0, 1) ** 1.2 * strength
    layer = Image.new("RGBA", picture.size, (4, 5, 10, 0))
    layer.putalpha(Image.fromarray(np.repeat((rows * 255).astype(np.uint8)[:, None], picture.width, axis=1)))
    picture.alpha_composite(layer)


def _letter(picture: Image.Image, recipe: PictureRecipe, palette: Palette, *, left: float | None, foot: float, width: float, size: int) -> None:
    """Title and tagline, their last line ending at ``foot``; centred unless ``left`` is given."""
    wide, name = picture.width * width, recipe.title.upper()
    face = fitted(name, "Bold", wide, size, lines=3 if left is None else 2, tracking=0.06)
    lines = wrapped(name, face, wide, 0.06 * face.size)
    small = font("Medium", max(16, round(face.size * 0.3)))
    said = wrapped(recipe.tagline, small, wide)
    x = picture.width / 2 if left is None else picture.width * left
    y = picture.height * foot - len(said) * small.size * 1.3 - len(lines) * face.size * 1.08 - 10
    y = write_block(picture, (x, y), lines, face, WHITE, tracking=0.06, align="centre" if left is None else "left", shadow=0.7)
    write_block(
        picture, (x, y + 10), said, small, mix(palette.light, WHITE, 0.45), leading=1.3, align="centre" if left is None else "left", shadow=0.7
    )


def still_from(playlist: Path, target: Path, *, at: float) -> None:
    """One frame of a packaged clip, 320 pixels wide. Raises PackagingError."""
    run([
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", str(playlist), "-ss", f"{at:.2f}",
        "-frames:v", "1", "-vf", "scale=320:-2", "-q:v", "4", str(target),
    ])  # fmt: skip
