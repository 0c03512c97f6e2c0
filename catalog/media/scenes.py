"""A scene of a film: its landscape panned in parallax, its motif at home in it, weather, lettering and sound."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from catalog.media.colour import WHITE, Palette, mix, palette_of
from catalog.media.horizon import Landscape
from catalog.media.landscape import draw_landscape
from catalog.media.lettering import fitted, font, width_of, wrapped, write, write_block
from catalog.media.motifs import MOTIFS, Motif
from catalog.media.packaging import Source
from catalog.media.recipe import HEIGHT, WIDTH, SceneRecipe
from catalog.media.sound import scene_sound
from catalog.media.stage import Stage
from catalog.media.texture import clear, gradient, to_image
from catalog.media.weather import birds, vignette, weather_of

SIZE = (WIDTH, HEIGHT)
# Pixels per second that the middle ground passes at: the picture's own pace.
PACE = {"dawn": 9, "day": 13, "storm": 26, "dusk": 11, "night": 9, "chase": 74, "calm": 7, "finale": 9}
CLOUDS, FAR, NEAR = 0.14, 0.35, 2.1
SCENES_WITHOUT_MOTIF = (2,)
CALM_SKIES = ("dawn", "day", "dusk", "calm", "finale")


def scene_source(recipe: SceneRecipe, work: Path) -> Source:
    palette = palette_of(recipe.accent, recipe.backdrop, recipe.mood)
    pace = PACE[recipe.mood] * (0.8 + 0.4 * recipe.intensity)
    travel = [round(pace * share * recipe.seconds) + 4 for share in (CLOUDS, FAR, 1.0, NEAR)]
    land = draw_landscape(SIZE, recipe.setting, palette, recipe.seed, spare=(travel[0], travel[1], travel[2], travel[3]))
    motif = MOTIFS.get(recipe.motif) if recipe.position not in SCENES_WITHOUT_MOTIF or recipe.position == recipe.scenes else None
    # Whatever drives goes to the right, so the land must pass to the left.
    backwards = recipe.seed % 2 == 1 and not (motif and motif.movement == "cross")
    stage = Stage(work, recipe.seconds)
    stage.base(land.sky)
    stage.overlay(land.clouds, _pan(pace * CLOUDS, travel[0], backwards=backwards))
    stage.overlay(land.far, _pan(pace * FAR, travel[1], backwards=backwards))
    stage.overlay(land.middle, _pan(pace, travel[2], backwards=backwards))
    if motif is not None:
        _place_motif(stage, recipe, motif, land, palette, -pace if not backwards else pace)
    stage.overlay(land.near, _pan(pace * NEAR, travel[3], backwards=backwards))
    weather = weather_of(recipe.setting, recipe.mood, palette, SIZE, recipe.seed)
    if weather is not None:
        stage.overlay(weather.picture, weather.x(), weather.y())
    if recipe.setting not in ("space", "city") and recipe.mood in CALM_SKIES:
        flock = birds(palette, recipe.seed)
        stage.overlay(flock, f"{WIDTH * 0.1:.0f}+{13 + 9 * recipe.intensity:.1f}*t", f"{40 + recipe.seed % 40}+4*sin(0.7*t)")
    if recipe.mood == "storm" and recipe.setting != "space":
        _lightning(stage, recipe)
    stage.overlay(vignette(SIZE, strength=0.4))
    _letter(stage, recipe, palette)
    sound = work / "sound.wav"
    scene_sound(recipe, sound)
    return stage.source(sound)


def _pan(speed: float, spare: int, *, backwards: bool) -> str:
    return f"{speed:.2f}*t-{spare}" if backwards else f"-{speed:.2f}*t"


def _place_motif(stage: Stage, recipe: SceneRecipe, motif: Motif, land: Landscape, palette: Palette, ground: float) -> None:
    """``ground`` is how fast the middle ground moves to the right."""
    size = {1: 1.12, recipe.scenes: 1.22}.get(recipe.position, 0.78 + 0.3 * recipe.intensity)
    if motif.movement == "rise":
        stage.overlay(motif.picture(palette, 1.0), "0", f"{-(motif.height - HEIGHT) * 0.35:.0f}-{motif.speed * (0.6 + recipe.intensity):.1f}*t")
        return
    picture = motif.picture(palette, size)
    top = land.stand - motif.rest * size - picture.height
    middle = recipe.seconds / 2
    centre = WIDTH * (0.32 + 0.36 * ((recipe.seed >> 3) % 100) / 100) - picture.width / 2
    if motif.movement == "stand":
        stage.overlay(picture, f"{centre:.1f}+{ground:.2f}*(t-{middle:g})", f"{top:.1f}")
    elif motif.movement == "cross":
        speed = motif.speed * (0.7 + 0.6 * recipe.intensity)
        stage.overlay(
            picture,
            f"{(WIDTH - picture.width) / 2:.1f}+{speed:.1f}*(t-{middle:g})",
            f"{top:.1f}+{'2.2*sin(1.7*t)' if motif.rest < -30 else '0.7*sin(9*t)'}",
        )
    else:
        stage.overlay(picture, f"{centre:.1f}+9*sin(0.5*t)+{ground * 0.25:.2f}*(t-{middle:g})", f"{top:.1f}+5*sin(0.8*t)")


def _lightning(stage: Stage, recipe: SceneRecipe) -> None:
    """Two strikes far off: the sky lights up and falls dark again."""
    sheet = to_image(gradient(SIZE, [(0, (236, 240, 255)), (0.6, (190, 200, 230)), (0.62, (120, 130, 160)), (1, (40, 44, 60))])).convert("RGBA")
    sheet.putalpha(110)
    for share in (0.3, 0.34, 0.72):
        begins = recipe.seconds * (share + (recipe.seed % 7) * 0.01)
        stage.title(sheet, begins, begins + 0.24, fade=0.1)


def _letter(stage: Stage, recipe: SceneRecipe, palette: Palette) -> None:
    if recipe.position == 1:
        stage.filter("fade=t=in:d=0.7")
        stage.title(main_title(recipe.title, palette), 0.9, 4.6, fade=0.7)
    else:
        stage.title(_chapter(recipe, palette), 0.4, 3.2)
    if recipe.position == recipe.scenes:
        stage.title(_the_end(), recipe.seconds - 3.4, recipe.seconds, fade=0.8)
        stage.filter(f"fade=t=out:st={recipe.seconds - 0.7:.2f}:d=0.7")


def main_title(name: str, palette: Palette) -> Image.Image:
    layer = clear(SIZE)
    face = fitted(name.upper(), "Bold", WIDTH * 0.78, 50, lines=2, tracking=0.14)
    lines = wrapped(name.upper(), face, WIDTH * 0.78, 0.14 * face.size)
    y = HEIGHT * 0.25 - len(lines) * face.size * 0.55
    y = write_block(layer, (WIDTH / 2, y), lines, face, WHITE, tracking=0.14, align="centre", shadow=0.8)
    ImageDraw.Draw(layer).rectangle((WIDTH / 2 - 26, y + 8, WIDTH / 2 + 26, y + 10), fill=(*mix(palette.light, WHITE, 0.2), 255))
    return layer


def _chapter(recipe: SceneRecipe, palette: Palette) -> Image.Image:
    layer = clear(SIZE)
    small, large = font("SemiBold", 12), fitted(recipe.name, "SemiBold", WIDTH * 0.7, 22)
    number = f"{recipe.position} / {recipe.scenes}"
    write(layer, (34, 30), number, small, mix(palette.light, WHITE, 0.3), tracking=0.12, shadow=0.9)
    write(layer, (34, 46), recipe.name, large, WHITE, shadow=0.9)
    ImageDraw.Draw(layer).rectangle((34, 80, 34 + width_of(recipe.name, large) * 0.25, 81.5), fill=(*mix(palette.light, WHITE, 0.2), 230))
    return layer


def _the_end() -> Image.Image:
    layer = clear(SIZE)
    write(layer, (WIDTH / 2, HEIGHT * 0.2), "THE END", font("Bold", 40), WHITE, tracking=0.3, align="centre", shadow=0.9)
    return layer
