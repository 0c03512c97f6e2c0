"""From an uploaded file to a clip like all others: fitted into the picture, brought to the stated loudness, cut into the same segments."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings

from catalog.media import confined
from catalog.media.packaging import PLAYLIST, PackagedSegment, PackagingError, ffmpeg, profile, segments_of
from catalog.media.packaging import probe as check_packaged
from catalog.media.probe import Facts, Unfit, last_error, loudness, probe, source
from catalog.media.recipe import FRAMES_PER_SECOND, HEIGHT, WIDTH, UploadRecipe

PACKAGING_LIMITS = confined.Limits(cpu_seconds=1200, wall_seconds=1800.0)
# True peak that a clip may reach, in dBTP: EBU R 128 allows -1, and what AAC adds must still fit below.
TRUE_PEAK = -2.0
# loudnorm only ever turns the sound up or down as a whole while the target range is not smaller than the file's own (EBU Tech 3342, in LU).
RANGES = (7.0, 50.0)
# Whatever was taken once can be packaged anew, even where the limit for new files is lower by now.
LONGEST_REBUILT = 600.0
BLOCK = 1024 * 1024


def original(recipe: UploadRecipe) -> Path:
    """Where the file is kept. Raises PackagingError when it is not there or is not what was uploaded."""
    path = Path(settings.ORIGINALS_DIR) / recipe.file
    if path.parent != Path(settings.ORIGINALS_DIR):
        raise PackagingError(f"{recipe.file} is no name of an original")
    try:
        found = sha256_of(path)
    except OSError as error:
        raise PackagingError(f"the original {recipe.file} cannot be read: {error.strerror}; upload it once more") from error
    if found != recipe.sha256:
        raise PackagingError(f"the original {recipe.file} is no longer what was uploaded; upload it once more")
    return path


def sha256_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def package_upload(recipe: UploadRecipe, folder: Path, *, facts: Facts | None = None, told: confined.Told = confined.nobody) -> list[PackagedSegment]:
    """Encode the original into ``folder`` and return the segments as packaged; ``told`` hears the seconds done. Raises PackagingError.

    The file is looked at anew where its ``facts`` are not given.
    """
    path = original(recipe)
    if facts is None:
        try:
            facts = probe(path, longest_seconds=LONGEST_REBUILT, told=lambda _: told(0.0))
        except Unfit as unfit:
            raise PackagingError(str(unfit)) from unfit
    return encode(path, facts, folder, loudness_lufs=recipe.loudness, told=told)


def encode(path: Path, facts: Facts, folder: Path, *, loudness_lufs: float, told: confined.Told = confined.nobody) -> list[PackagedSegment]:
    """As `package_upload`, of a file whose facts are known."""
    if not facts.duration or facts.video_index is None or facts.audio_index is None:
        raise PackagingError("a clip needs a picture, a sound and a length")
    seconds = max(1, round(facts.duration * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        ffmpeg(), "-hide_banner", "-nostdin", "-y", "-loglevel", "level+warning", "-filter_complex_threads", "1", *source(path, facts),
        "-filter_complex", f"{picture_graph(facts, seconds)};{sound_graph(facts, seconds, loudness_lufs)}", "-map", "[v]", "-map", "[a]",
        "-t", f"{seconds:.6f}", "-map_chapters", "-1", "-sn", "-dn", "-progress", "pipe:1", "-nostats", *profile(folder),
    ]  # fmt: skip
    ended = confined.run(command, folder=folder, limits=PACKAGING_LIMITS, told=told)
    if ended.code != 0:
        why = "it took too long" if ended.out_of_time else last_error(ended.said)
        raise PackagingError(f"the file could not be packaged: {why}")
    check_packaged(folder, expected_seconds=seconds)
    return segments_of((folder / PLAYLIST).read_text())


def picture_graph(facts: Facts, seconds: float) -> str:
    """The picture as the file means it to be seen (ffmpeg has turned it already), whole within 640x360, the rest black."""
    steps = [f"[0:{facts.video_index}]fps={FRAMES_PER_SECOND}:start_time=0"]
    if facts.interlaced:
        steps[0] = f"[0:{facts.video_index}]bwdif=mode=send_frame,fps={FRAMES_PER_SECOND}:start_time=0"
    wide = f"gte(dar,{WIDTH}/{HEIGHT})"
    steps.append(f"scale=w='if({wide},{WIDTH},trunc({HEIGHT}*dar/2+0.5)*2)':h='if({wide},trunc({WIDTH}/dar/2+0.5)*2,{HEIGHT})':flags=lanczos")
    if facts.hdr:
        steps.append("zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv")
    # Drawn clips carry no colour tags; players take such small pictures for BT.601.
    steps.append("scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setsar=1")
    steps.append("setparams=range=unspecified:color_primaries=unknown:color_trc=unknown:colorspace=unknown:field_mode=prog")
    steps.append(f"pad={WIDTH}:{HEIGHT}:(ow-iw)/2:(oh-ih)/2:black")
    steps.append(f"tpad=stop_mode=clone:stop_duration=1,trim=end_frame={round(seconds * FRAMES_PER_SECOND)}[v]")
    return ",".join(steps)


def sound_graph(facts: Facts, seconds: float, loudness_lufs: float) -> str:
    """Two channels at 48 kHz, from the picture's first moment to its last, at the loudness asked for: the second pass of loudnorm, whose
    first was the probe's own measurement."""
    spread = min(RANGES[1], max(RANGES[0], facts.loudness_range_lu or 0.0))
    measured = (
        f"measured_I={facts.loudness_lufs:g}:measured_TP={facts.true_peak_dbtp:g}:measured_LRA={facts.loudness_range_lu:g}"
        f":measured_thresh={facts.loudness_threshold_lufs:g}"
    )
    return (
        f"[0:{facts.audio_index}]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo,"
        f"loudnorm=I={loudness_lufs:g}:TP={TRUE_PEAK:g}:LRA={spread:g}:{measured}:linear=true,"
        f"aresample=48000,apad=whole_dur={seconds:.6f},atrim=end={seconds:.6f}[a]"
    )


def packaged_loudness(folder: Path) -> dict[str, float]:
    """How loud the packaged clip is, by the same figures as the probe's. Raises PackagingError."""
    command = [
        ffmpeg(), "-hide_banner", "-nostdin", "-loglevel", "level+info", "-i", str(folder / PLAYLIST), "-vn", "-af",
        "ebur128=peak=true:framelog=quiet", "-f", "null", "-progress", "pipe:1", "-nostats", "-",
    ]  # fmt: skip
    ended = confined.run(command, folder=folder, limits=PACKAGING_LIMITS)
    if ended.code != 0:
        raise PackagingError(f"the packaged sound cannot be read back: {last_error(ended.said)}")
    return loudness(ended.said)
