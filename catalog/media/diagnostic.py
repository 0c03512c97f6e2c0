"""The diagnostic look: a moving test picture with a flat patch at the top left, and one sine tone. Tests read both from the player."""

from __future__ import annotations

from catalog.media.packaging import Source
from catalog.media.recipe import FRAMES_PER_SECOND, HEIGHT, WIDTH, DiagnosticRecipe

PATCH = 48


def diagnostic_source(recipe: DiagnosticRecipe) -> Source:
    colour = "0x" + recipe.colour.removeprefix("#")
    picture = f"testsrc2=s={WIDTH}x{HEIGHT}:r={FRAMES_PER_SECOND}:d={recipe.seconds:g}"
    tone = f"sine=f={recipe.tone:g}:r=48000:d={recipe.seconds:g}"
    return Source(
        inputs=(("-f", "lavfi", "-i", picture), ("-f", "lavfi", "-i", tone)),
        graph=f"[0]drawbox=x=0:y=0:w={PATCH}:h={PATCH}:color={colour}:t=fill,format=yuv420p[v]",
        audio=1,
        seconds=recipe.seconds,
    )
