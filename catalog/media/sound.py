"""Music and air of scenes, jingles of ads: synthesised with numpy, repeatable from a seed, written as 48 kHz stereo WAV. Pure but for the file."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.media.recipe import AdRecipe, SceneRecipe

RATE = 48_000
EDGE_SECONDS = 0.12
Samples = NDArray[np.float64]

MINOR, MAJOR = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11)
# Per mood: scale, chords as degrees, plucks a second, loudness of the pad, of the plucks, of the air.
MOODS: dict[str, tuple[tuple[int, ...], tuple[int, ...], float, float, float, float]] = {
    "dawn": (MAJOR, (0, 3, 5, 4), 1.5, 0.8, 0.5, 0.5),
    "day": (MAJOR, (0, 4, 5, 3), 3.0, 0.6, 0.7, 0.4),
    "storm": (MINOR, (0, 0, 5, 1), 0.7, 1.0, 0.25, 1.6),
    "dusk": (MINOR, (0, 5, 3, 4), 1.2, 0.9, 0.5, 0.5),
    "night": (MINOR, (0, 3, 0, 5), 0.8, 0.9, 0.4, 0.6),
    "chase": (MINOR, (0, 0, 5, 6), 8.0, 0.7, 0.6, 0.4),
    "calm": (MAJOR, (0, 3, 0, 4), 1.0, 0.8, 0.45, 0.5),
    "finale": (MAJOR, (3, 4, 5, 0), 2.0, 1.1, 0.7, 0.4),
}
# Per setting: slope of the noise's spectrum (2 is a rumble, 0 a hiss), how often it swells a second, how much.
AIR: dict[str, tuple[float, float, float]] = {
    "ocean": (0.9, 0.16, 0.75),
    "city": (1.7, 0.05, 0.25),
    "space": (2.2, 0.04, 0.3),
    "forest": (1.0, 0.11, 0.6),
    "winter": (1.2, 0.09, 0.6),
    "desert": (1.1, 0.13, 0.7),
}


def scene_sound(recipe: SceneRecipe, path: Path) -> None:
    rng = np.random.default_rng(recipe.seed)
    scale, chords, rate, pad, pluck, air = MOODS[recipe.mood]
    root = 45 + sum(recipe.title.encode()) % 8
    total = np.zeros((round(recipe.seconds * RATE), 2))
    share = recipe.seconds / len(chords)
    for index, degree in enumerate(chords):
        for note in (degree, degree + 2, degree + 4):
            _add(total, index * share - 0.3, _pad(_pitch(root, scale, note), share + 0.9), 0.085 * pad, float(rng.uniform(-0.6, 0.6)))
        _add(total, index * share, _pad(_pitch(root - 12, scale, degree), share + 0.4), 0.11 * pad, 0)
    for step in range(int(recipe.seconds * rate)):
        degree = chords[min(len(chords) - 1, int(step / rate / share))] + int(rng.choice([0, 2, 4, 7, 9]))
        if rng.random() < 0.85:
            _add(total, step / rate, _pluck(_pitch(root + 12, scale, degree), 1.6), 0.13 * pluck, float(rng.uniform(-0.5, 0.5)))
    if recipe.mood == "chase":
        _drums(total, recipe.seconds, rng)
    total += _air(recipe, rng) * air
    write_wav(path, _finished(total))


def ad_sound(recipe: AdRecipe, path: Path) -> None:
    """The jingle from the first second, its chord held below, and its last notes once more for the brand at the end."""
    total = np.zeros((round(recipe.seconds * RATE), 2))
    root = 52 + recipe.seed % 7
    scale = MINOR if recipe.product in ("film", "game") else MAJOR
    notes = recipe.jingle.split()
    beat = 0.42 / (0.7 + 0.3 * min(recipe.motion, 2.5))
    bars = max(1, int((recipe.seconds - 2.6) / (beat * len(notes))))
    for bar in range(bars):
        for index, note in enumerate(notes):
            if note != ".":
                start = 0.35 + (bar * len(notes) + index) * beat
                _add(total, start, _pluck(_pitch(root, scale, int(note) - 1), 1.3), 0.2, 0.5 * (-1) ** index)
                _add(total, start, _pluck(_pitch(root + 12, scale, int(note) - 1), 0.8), 0.07, -0.5 * (-1) ** index)
    for index, degree in enumerate((0, 3, 4, 0)):
        length = recipe.seconds / 4
        for third in (0, 2, 4):
            _add(total, index * length - 0.2, _pad(_pitch(root - 12, scale, degree + third), length + 0.6), 0.07, 0.3 * (third - 2))
        _add(total, index * length, _pad(_pitch(root - 24, scale, degree), length), 0.08, 0)
    if recipe.motion > 1.5:
        _drums(total, recipe.seconds - 2.2, np.random.default_rng(recipe.seed))
    for index, degree in enumerate((0, 4, 7)):
        _add(total, recipe.seconds - 2.2 + index * 0.16, _pluck(_pitch(root + 12, scale, degree), 2.0), 0.24, 0)
    write_wav(path, _finished(total))


def _pitch(root: int, scale: Sequence[int], degree: int) -> float:
    octave, step = divmod(degree, len(scale))
    return float(440.0 * 2 ** ((root + scale[step] + 12 * octave - 69) / 12))


def _pad(frequency: float, seconds: float) -> Samples:
    """Slow strings: two slightly detuned voices with falling overtones."""
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.zeros(len(t))
    for detune in (0.9985, 1.0015):
        for overtone in range(1, 6):
            voice += np.sin(2 * np.pi * frequency * detune * overtone * t + overtone) / overtone**1.7
    swell = np.clip(t / 0.7, 0, 1) * np.clip((seconds - t) / 0.8, 0, 1)
    return np.asarray(voice * swell * (1 + 0.06 * np.sin(2 * np.pi * 4.6 * t)) / 2)


def _pluck(frequency: float, seconds: float) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.zeros(len(t))
    for overtone in range(1, 7):
        voice += np.sin(2 * np.pi * frequency * overtone * t) * np.exp(-t * (2.2 + 1.7 * overtone)) / overtone
    return np.asarray(voice * np.clip(t / 0.004, 0, 1))


def _drums(total: Samples, seconds: float, rng: np.random.Generator) -> None:
    t = np.arange(round(0.22 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (46 * t + 9 * (1 - np.exp(-t * 28)))) * np.exp(-t * 17)
    hat = rng.standard_normal(round(0.05 * RATE)) * np.exp(-np.arange(round(0.05 * RATE)) / RATE * 90)
    hat = np.diff(hat, prepend=0.0)
    for step in range(int(seconds / 0.23)):
        if step % 4 in (0, 3):
            _add(total, step * 0.23, kick, 0.32, 0)
        _add(total, step * 0.23, hat, 0.05 if step % 2 else 0.09, 0.3)


def _air(recipe: SceneRecipe, rng: np.random.Generator) -> Samples:
    slope, swells, depth = AIR[recipe.setting]
    length = round(recipe.seconds * RATE)
    t = np.arange(length) / RATE
    both = []
    for side in range(2):
        swell = 1 - depth / 2 + depth / 2 * np.sin(2 * np.pi * swells * t + float(rng.uniform(0, 6.28)) + side * 0.6)
        both.append(_noise(rng, length, slope) * swell * 0.05)
    air = np.stack(both, axis=1)
    if recipe.mood == "storm" and recipe.setting != "space":
        air += np.stack([_noise(rng, length, 0.25) * 0.018 for _ in range(2)], axis=1)
        _add(air, float(rng.uniform(1, recipe.seconds / 2)), _noise(rng, 4 * RATE, 2.4) * np.exp(-np.arange(4 * RATE) / RATE * 1.3), 0.14, 0)
    return air


def _noise(rng: np.random.Generator, length: int, slope: float) -> Samples:
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / RATE), 30)
    shaped = np.fft.irfft(spectrum / frequency**slope, length)
    return np.asarray(shaped / np.std(shaped))


def _add(total: Samples, start: float, voice: Samples, level: float, side: float) -> None:
    """Mix a voice in at a time, cut where the clip begins and ends; ``side`` is -1 left to 1 right."""
    begin = round(start * RATE)
    voice = voice[max(0, -begin) :]
    begin = max(0, begin)
    voice = voice[: max(0, len(total) - begin)]
    total[begin : begin + len(voice), 0] += voice * level * (1 - 0.5 * max(0.0, side))
    total[begin : begin + len(voice), 1] += voice * level * (1 + 0.5 * min(0.0, side))


def _finished(total: Samples) -> Samples:
    """Even loudness, soft peaks, and edges that begin and end in silence, so that joined clips never click."""
    level = float(np.sqrt(np.mean(total**2))) or 1.0
    shaped = np.tanh(total * (0.13 / level))
    t = np.arange(len(shaped)) / RATE
    edge = np.clip(t / EDGE_SECONDS, 0, 1) * np.clip((t[-1] - t) / EDGE_SECONDS, 0, 1)
    return np.asarray(shaped * edge[:, None])


def write_wav(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32_000).astype("<i2").tobytes())
