"""Moves still layers: collects pictures and how each travels, and writes them down as inputs and a filter graph for ffmpeg.

A layer is one PNG, read once: the base is looped inside the graph and the overlays repeat their only frame, which is
five times faster than decoding a picture for every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from catalog.media.packaging import Source
from catalog.media.recipe import FRAMES_PER_SECOND


@dataclass
class Stage:
    work: Path
    seconds: float
    inputs: list[tuple[str, ...]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    shown: str = ""

    def base(self, picture: Image.Image) -> None:
        index = self._save(picture)
        frames = round(self.seconds * FRAMES_PER_SECOND)
        self.steps.append(f"[{index}]format=yuv420p,loop=loop={frames}:size=1:start=0,setpts=N/{FRAMES_PER_SECOND}/TB[b]")
        self.shown = "b"

    def overlay(self, picture: Image.Image, x: str = "0", y: str = "0") -> None:
        """Lay a picture over all so far. ``x`` and ``y`` are ffmpeg expressions in pixels; ``t`` is the second."""
        index = self._save(picture)
        self.steps.append(f"[{index}]format=yuva420p[o{index}]")
        self._lay(index, f"x='{x}':y='{y}':eof_action=repeat:format=yuv420")

    def title(self, picture: Image.Image, begins: float, ends: float, *, x: str = "0", y: str = "0", fade: float = 0.5) -> None:
        """Lay a picture over all so far that fades in and, unless it lasts to the end, out again."""
        index = self._save(picture)
        frames = round(self.seconds * FRAMES_PER_SECOND)
        out = f",fade=t=out:st={ends - fade:.2f}:d={fade}:alpha=1" if ends < self.seconds else ""
        self.steps.append(
            f"[{index}]format=yuva420p,loop=loop={frames}:size=1:start=0,setpts=N/{FRAMES_PER_SECOND}/TB,"
            f"fade=t=in:st={begins:.2f}:d={fade}:alpha=1{out}[o{index}]"
        )
        self._lay(index, f"x='{x}':y='{y}':enable='between(t,{begins:.2f},{ends:.2f})':format=yuv420")

    def spin(self, picture: Image.Image, turns: float, x: str, y: str) -> None:
        """Lay a picture that turns around its middle, ``turns`` per second clockwise."""
        index = self._save(picture)
        frames = round(self.seconds * FRAMES_PER_SECOND)
        self.steps.append(
            f"[{index}]format=rgba,loop=loop={frames}:size=1:start=0,setpts=N/{FRAMES_PER_SECOND}/TB,"
            f"rotate=a={turns * 6.2832:.3f}*t:c=none,format=yuva420p[o{index}]"
        )
        self._lay(index, f"x='{x}':y='{y}':format=yuv420")

    def filter(self, words: str) -> None:
        name = f"f{len(self.steps)}"
        self.steps.append(f"[{self.shown}]{words}[{name}]")
        self.shown = name

    def source(self, sound: Path) -> Source:
        graph = [*self.steps, f"[{self.shown}]format=yuv420p[v]"]
        inputs = (*self.inputs, ("-i", str(sound)))
        return Source(inputs=inputs, graph=";".join(graph), audio=len(self.inputs), seconds=self.seconds)

    def _lay(self, index: int, how: str) -> None:
        self.steps.append(f"[{self.shown}][o{index}]overlay={how}[l{index}]")
        self.shown = f"l{index}"

    def _save(self, picture: Image.Image) -> int:
        index = len(self.inputs)
        path = self.work / f"layer{index}.png"
        picture.save(path, compress_level=1)
        self.inputs.append(("-framerate", str(FRAMES_PER_SECOND), "-i", str(path)))
        return index
