"""An ad: its product at play in the brand's colours, the headline over it, and the brand's card at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from catalog.media import products
from catalog.media.colour import RGB, WHITE, Palette, mix, palette_of, rgb
from catalog.media.landscape import draw_landscape
from catalog.media.lettering import fitted, font, width_of, wrapped, write, write_block
from catalog.media.motifs import MOTIFS
from catalog.media.packaging import Source
from catalog.media.pixels import pixel_world
from catalog.media.recipe import HEIGHT, WIDTH, AdRecipe
from catalog.media.sound import ad_sound
from catalog.media.stage import Stage
from catalog.media.texture import clear, glow, gradient, screen, to_image
from catalog.media.weather import vignette, weather_of

SIZE = (WIDTH, HEIGHT)
CARD_SECONDS = 2.6


def ad_source(recipe: AdRecipe, work: Path) -> Source:
    stage = Stage(work, recipe.seconds)
    PRODUCTS[recipe.product](stage, recipe)
    if recipe.product != "film":
        stage.overlay(vignette(SIZE, strength=0.35, foot=0.2))
        stage.title(_headline(recipe), 0.5, recipe.seconds - CARD_SECONDS, fade=0.4)
    stage.title(_card(recipe), recipe.seconds - CARD_SECONDS, recipe.seconds, fade=0.35)
    sound = work / "sound.wav"
    ad_sound(recipe, sound)
    return stage.source(sound)


def _colours(recipe: AdRecipe) -> tuple[RGB, RGB, RGB]:
    ground, accent, ink = (rgb(colour) for colour in recipe.palette)
    return ground, accent, ink


def _palette(recipe: AdRecipe, mood: str) -> Palette:
    return palette_of(recipe.palette[1], recipe.palette[0], mood)


def _headline(recipe: AdRecipe) -> Image.Image:
    """Product and promise, at the left, with the brand's mark above."""
    ground, accent, ink = _colours(recipe)
    layer = _scrim(mix(ground, (0, 0, 0), 0.35))
    layer.alpha_composite(products.mark(recipe.product, mix(accent, WHITE, 0.15), 22), (30, 24))
    write(layer, (58, 27), recipe.brand.upper(), font("SemiBold", 13), ink, tracking=0.12, shadow=0.6)
    face = fitted(recipe.headline, "Bold", 290, 44, lines=1)
    write(layer, (30, 56), recipe.headline, face, ink, shadow=0.6)
    small = font("Medium", 18)
    write_block(layer, (31, 60 + face.size * 1.15), wrapped(recipe.tagline, small, 300), small, mix(ink, accent, 0.18), shadow=0.8)
    return layer


def _scrim(colour: RGB) -> Image.Image:
    """Darkens the upper left softly, so that light words can be read on a pale sky."""
    x, y = np.linspace(0, 1, WIDTH)[None, :], np.linspace(0, 1, HEIGHT)[:, None]
    strength = np.clip(1 - x / 0.72, 0, 1) * np.clip(1 - y / 0.62, 0, 1) ** 0.7 * 0.8
    layer = Image.new("RGBA", SIZE, (*colour, 0))
    layer.putalpha(Image.fromarray((strength * 255).astype(np.uint8)))
    return layer


def _card(recipe: AdRecipe) -> Image.Image:
    """The last picture: mark, brand, promise and what to do next."""
    ground, accent, ink = _colours(recipe)
    picture = gradient(SIZE, [(0, mix(ground, accent, 0.16)), (0.7, ground), (1, mix(ground, (0, 0, 0), 0.35))])
    picture = screen(picture, glow(SIZE, (WIDTH / 2, HEIGHT * 0.3), 190, accent, 0.35))
    layer = to_image(picture).convert("RGBA")
    layer.alpha_composite(products.mark(recipe.product, accent, 76), (WIDTH // 2 - 38, 48))
    name = recipe.headline if recipe.product == "film" else recipe.brand
    write(layer, (WIDTH / 2, 134), name, fitted(name, "Bold", 560, 46), ink, align="centre")
    write(layer, (WIDTH / 2, 192), recipe.tagline, fitted(recipe.tagline, "Medium", 540, 20), mix(ink, accent, 0.25), align="centre")
    face = font("SemiBold", 17)
    half = width_of(recipe.call, face) / 2 + 26
    ImageDraw.Draw(layer).rounded_rectangle((WIDTH / 2 - half, 242, WIDTH / 2 + half, 284), 21, fill=(*accent, 255))
    write(layer, (WIDTH / 2, 252), recipe.call, face, mix(ground, (0, 0, 0), 0.5), align="centre")
    return layer


def _land(stage: Stage, recipe: AdRecipe, setting: str, mood: str, pace: float, *, near: bool = True) -> float:
    """A landscape in the brand's colours, panned; returns the row on which things stand."""
    palette = _palette(recipe, mood)
    travel = [round(pace * share * recipe.seconds) + 4 for share in (0.14, 0.35, 1.0, 2.1)]
    land = draw_landscape(SIZE, setting, palette, recipe.seed, spare=(travel[0], travel[1], travel[2], travel[3]), sun_x=0.74)
    stage.base(land.sky)
    for layer, share in ((land.clouds, 0.14), (land.far, 0.35), (land.middle, 1.0), *(((land.near, 2.1),) if near else ())):
        stage.overlay(layer, f"-{pace * share:.2f}*t")
    weather = weather_of(setting, mood, palette, SIZE, recipe.seed)
    if weather is not None:
        stage.overlay(weather.picture, weather.x(), weather.y())
    return land.stand


def _plain(stage: Stage, recipe: AdRecipe, *, light_at: tuple[float, float]) -> None:
    """A studio: the brand's ground with a light in it."""
    ground, accent, _ = _colours(recipe)
    picture = gradient(SIZE, [(0, mix(ground, accent, 0.28)), (0.62, mix(ground, accent, 0.1)), (1, mix(ground, (0, 0, 0), 0.35))])
    picture = screen(picture, glow(SIZE, (WIDTH * light_at[0], HEIGHT * light_at[1]), 210, accent, 0.6))
    stage.base(to_image(picture, np.random.default_rng(recipe.seed)))


def _car(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    setting, mood = {1: ("city", "night"), 2: ("desert", "dusk"), 3: ("forest", "day")}[recipe.variant]
    pace = 36 * recipe.motion
    _land(stage, recipe, setting, mood, pace, near=False)
    asphalt = mix(mix(ground, (26, 28, 34), 0.72), (0, 0, 0), 0.15)
    stage.overlay(products.road(WIDTH + 240, asphalt, mix(WHITE, accent, 0.3)), f"-mod({pace * 4.2:.1f}*t,120)-40", "270")
    body = products.car(accent, tall=recipe.variant == 3, low=recipe.variant == 2)
    x, y = f"{WIDTH * 0.52:.0f}-w/2+34*sin(0.55*t)", "204+0.8*sin(11*t)"
    stage.overlay(body, x, y)
    spin = pace * 4.2 / 157
    for offset in (-93, 93):
        stage.spin(products.wheel(accent), spin, f"{WIDTH * 0.52 + offset:.0f}-w/2+34*sin(0.55*t)", "264")


def _coffee(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    _plain(stage, recipe, light_at=(0.72, 0.3))
    table = clear((WIDTH, 90))
    ImageDraw.Draw(table).rectangle((0, 0, WIDTH, 90), fill=(*mix(ground, (0, 0, 0), 0.3), 255))
    ImageDraw.Draw(table).rectangle((0, 0, WIDTH, 3), fill=(*mix(ground, accent, 0.5), 255))
    stage.overlay(table, "0", "274")
    if recipe.variant == 2:
        glass = products.iced_glass((92, 52, 30), (96, 190, 120))
        stage.overlay(glass, "430-w/2+2*sin(t)", "96+1.5*sin(1.3*t)")
        drops = weather_of("winter", "calm", _palette(recipe, "calm"), SIZE, recipe.seed)
        if drops is not None:
            stage.overlay(drops.picture, drops.x(), drops.y())
        return
    wisps = products.steam(mix(WHITE, accent, 0.2))
    for shift in (0.0, 1.6):
        stage.overlay(wisps, f"{432 + shift * 6:.0f}-w/2+7*sin(0.9*t+{shift})", f"60-22*mod(t+{shift},3.2)/3.2")
    stage.overlay(products.cup(mix(WHITE, accent, 0.16), (70, 36, 18), mix(ground, accent, 0.15)), "430-w/2", "164")


def _phone(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    _plain(stage, recipe, light_at=(0.72, 0.5))
    cloud = products.mark("phone", mix(accent, WHITE, 0.25), 210)
    cloud.putalpha(cloud.getchannel("A").point(lambda value: round(value * 0.16)))
    for x, y, speed in ((560, 20, 15), (300, 190, 24), (60, 210, 18)):
        stage.overlay(cloud, f"{x}-{speed * recipe.motion:.1f}*t", str(y))
    for begins in np.arange(0.4, recipe.seconds - CARD_SECONDS - 1.2, 1.5):
        stage.title(products.rings(accent, 168), float(begins), float(begins) + 1.2, x="462-w/2", y="180-h/2", fade=0.5)
    if recipe.variant == 2:
        for index in range(5):
            hue = mix(accent, ((255, 120, 120), (255, 200, 90), (120, 220, 150), (150, 130, 255), accent)[index], 0.7)
            small = products.phone(products.app_screen(ground, hue, ("Mum", "Dad", "Ida", "Tom", "Nana")[index]), hue).resize(
                (68, 130), Image.Resampling.LANCZOS
            )
            stage.overlay(products.soft_shadow(small), f"{288 + index * 62}", f"{108 + 12 * (index % 2)}+5*sin(1.6*t+{index})")
        return
    if recipe.variant == 3:
        film = draw_landscape((208, 104), "ocean", _palette(recipe, "dusk"), recipe.seed)
        still = film.sky.convert("RGBA")
        for layer in (film.clouds, film.far, film.middle, film.near):
            still.alpha_composite(layer)
        handset = products.phone(still.rotate(90, expand=True), accent).rotate(-90, expand=True)
    else:
        handset = products.phone(products.app_screen(ground, accent, "Full signal"), accent)
    stage.overlay(products.soft_shadow(handset), "462-w/2", "184-h/2+6*sin(1.2*t)")


def _outdoor(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    if recipe.variant == 2:
        _land(stage, recipe, "forest", "night", 4, near=False)
        stage.overlay(products.tent(mix(accent, ground, 0.35), mix(accent, WHITE, 0.2)), "420-w/2-4*t", "186")
    else:
        _land(stage, recipe, "forest", "dawn", 13 * recipe.motion, near=False)
        stage.overlay(products.hiker(mix(ground, (0, 0, 0), 0.55), accent), "450-w/2-2*sin(0.6*t)", "188+2.4*abs(sin(3.1*t))")
    hill = clear((WIDTH, 70))
    ImageDraw.Draw(hill).ellipse((-200, 0, WIDTH + 260, 300), fill=(*mix(ground, (0, 0, 0), 0.45), 255))
    stage.overlay(hill, "0", "296")


def _bank(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    _plain(stage, recipe, light_at=(0.7, 0.4))
    heights = (40, 62, 88, 104, 142, 176, 214)
    for index, height in enumerate(heights if recipe.variant == 2 else heights[::2]):
        step, left = (48, 296) if recipe.variant == 2 else (86, 316)
        column = products.bar(height, mix(mix(ground, accent, 0.35), accent, index / len(heights)))
        stage.overlay(column, str(left + index * step), f"{HEIGHT}-{height}*(1-exp(-2.6*max(0,t-{0.5 + 0.28 * index:.2f})))")
    if recipe.variant == 1:
        card = products.soft_shadow(products.bank_card(ground, accent, recipe.brand))
        stage.overlay(card, "472-w/2", "196-h/2+7*sin(1.1*t)")


def _plane(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    mood = {1: "dawn", 2: "dusk", 3: "night"}[recipe.variant]
    _land(stage, recipe, "ocean", mood, 9 * recipe.motion, near=False)
    stage.overlay(products.plane(mix(WHITE, ground, 0.06), accent), "400-w/2+26*t-90", "150-4*t+5*sin(0.9*t)")
    puff = products.mark("phone", mix(WHITE, accent, 0.12), 260)
    puff.putalpha(puff.getchannel("A").point(lambda value: round(value * (0.35 if mood == "night" else 0.82))))
    for index, (x, y, speed) in enumerate(((80, 214, 60), (420, 244, 84), (700, 222, 66), (980, 250, 90))):
        stage.overlay(puff, f"{x}-{speed * recipe.motion:.0f}*t", str(y + 8 * (index % 2)))


def _game(stage: Stage, recipe: AdRecipe) -> None:
    ground, accent, _ = _colours(recipe)
    world = pixel_world(ground, accent, recipe.variant, recipe.seed)
    pace = 48 * recipe.motion
    stage.base(world.sky)
    stage.overlay(world.hills, f"-mod({pace * 0.3:.1f}*t,{world.hills.width // 2})")
    stage.overlay(world.ground, f"-mod({pace:.1f}*t,{world.ground.width // 2})", str(HEIGHT - world.ground.height))
    stage.overlay(world.coins, f"-mod({pace:.1f}*t,{world.coins.width // 2})", "150+4*sin(6*t)")
    stage.overlay(world.foe, f"{WIDTH + 40}-mod({pace * 1.25:.1f}*t,{WIDTH + 160})", f"{HEIGHT - world.ground.height}-h+4")
    stage.overlay(world.hero, "250", f"{HEIGHT - world.ground.height}-h+4-86*abs(sin(2.1*t))")


def _film(stage: Stage, recipe: AdRecipe) -> None:
    """A trailer: letterboxed picture, two lines of dread, and the film's name."""
    _, accent, ink = _colours(recipe)
    setting, mood, motif = {1: ("forest", "chase", "locomotive"), 2: ("space", "night", "station"), 3: ("city", "dusk", "lanterns")}[recipe.variant]
    stand = _land(stage, recipe, setting, mood, 16 * recipe.motion, near=motif != "locomotive")
    palette, being = _palette(recipe, mood), MOTIFS[motif]
    picture = being.picture(palette, 1.0)
    if being.movement == "rise":
        stage.overlay(picture, "0", "-60-22*t")
    else:
        stage.overlay(picture, f"{(WIDTH - picture.width) / 2:.0f}+9*(t-4)", f"{stand - being.rest - picture.height:.0f}+3*sin(0.9*t)")
    bars = clear(SIZE)
    for top in (0, HEIGHT - 44):
        ImageDraw.Draw(bars).rectangle((0, top, WIDTH, top + 44), fill=(0, 0, 0, 255))
    stage.overlay(vignette(SIZE, strength=0.7, foot=0.5))
    stage.overlay(bars)
    third = (recipe.seconds - CARD_SECONDS) / 3
    for index, words in enumerate((recipe.brand + " presents", recipe.tagline)):
        stage.title(_trailer_line(words, ink, 22), 0.4 + index * third, (index + 1) * third + 0.2, fade=0.4)
    stage.title(_trailer_line(recipe.headline.upper(), mix(accent, WHITE, 0.2), 54), 0.4 + 2 * third, recipe.seconds - CARD_SECONDS, fade=0.5)
    stage.filter("fade=t=in:d=0.5")


def _trailer_line(words: str, colour: RGB, size: int) -> Image.Image:
    layer = clear(SIZE)
    face = fitted(words, "Bold", WIDTH * 0.8, size, lines=2, tracking=0.12)
    lines = wrapped(words, face, WIDTH * 0.8, 0.12 * face.size)
    write_block(layer, (WIDTH / 2, HEIGHT / 2 - face.size * 0.6 * len(lines)), lines, face, colour, tracking=0.12, align="centre", shadow=1.0)
    return layer


PRODUCTS: dict[str, Callable[[Stage, AdRecipe], None]] = {
    "car": _car,
    "coffee": _coffee,
    "phone": _phone,
    "outdoor": _outdoor,
    "bank": _bank,
    "plane": _plane,
    "game": _game,
    "film": _film,
}
