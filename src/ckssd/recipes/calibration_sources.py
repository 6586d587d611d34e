"""Images to calibrate with by the doors of ``ckssd detect`` and ``benchmark``, with the same checks.

A folder, a file or a pattern; a video, or several; a data set's images, which are those that its annotations
name, of the size that they say. All are decoded here, before anything that takes long starts.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from ckssd.errors import InputError, UsageError
from ckssd.fetch.hashing import hash_file
from ckssd.install import read_provenance
from ckssd.recipes.calibration_record import Calibration
from ckssd.report import step
from ckssd.worker import run_worker

# Converters in other environments decode these as ckssd.detect.images does; anything else is decoded here.
DECODED_ALIKE = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "L")}
EVALUATED = (
    "these are images of a data set that models are evaluated on; that flatters the model's accuracy on it,"
    " and MLPerf forbids it: name others (CK_CALIBRATION_IMAGES)"
)

Item = TypeVar("Item")


def of_files(
    named: str, directory: Path, count: int, work: Path, *, pyav: Callable[[], Path], evaluated: Path | None
) -> Calibration:
    """At most ``count`` images of a folder, file or pattern, or frames of videos, evenly spread.

    Parameters
    ----------
    named, directory
        What is named, and where it starts if it is relative.
    work
        A folder for what is decoded here.
    pyav
        Gives a Python that decodes videos; asked for only if there are some.
    evaluated
        The images of the chosen data set; those of an installed one are known by its provenance, too.

    Raises
    ------
    InputError
        Nothing is there, or one cannot be decoded.
    UsageError
        Pictures and videos are named together.
    """
    # Here, because it brings NumPy and Pillow, which most recipes need not wait for.
    from ckssd.detect.named_files import is_video, pictures

    path = directory / named
    pattern = glob.has_magic(named) and not os.path.lexists(path)
    files = pictures([str(Path(glob.escape(str(directory))) / named) if pattern else str(path)])
    videos = [file for file in files if is_video(file)]
    if videos:
        if len(videos) < len(files):
            other = next(file for file in files if file not in videos)
            raise UsageError("Pictures and videos calibrate separately", got=f"{other}, {videos[0]}")
        return _of_videos(videos, count, work, pyav())
    images = [file.absolute() for file in spread(files, count)]
    fed = _checked(images, work)
    known = evaluated is not None and any(_is_below(image, evaluated) for image in images)
    notes = (EVALUATED,) if known or _of_an_installed_data_set(images) else ()
    return Calibration(tuple(fed), f"of {path}", notes, tuple(images))


def of_data_set(annotations: Path, folder: Path, count: int, work: Path, *, evaluated: bool) -> Calibration:
    """At most ``count`` images that annotations name, evenly spread over their ids.

    Raises
    ------
    InputError
        The annotations break COCO's format; an image is missing, cannot be decoded or has another size.
    """
    from ckssd.coco.annotations import read_annotations, with_size
    from ckssd.coco.pictures import find_pictures

    read = read_annotations(annotations)
    chosen, notes = find_pictures(folder, spread(read.images, count))
    images = [(folder / image.file_name).absolute() for image in chosen]
    sizes: list[tuple[int, int]] = []
    fed = _checked(images, work, sizes)
    for image, (width, height) in zip(chosen, sizes, strict=True):
        with_size(read, image, width, height)
    if evaluated or _of_an_installed_data_set(images):
        notes = (*notes, EVALUATED)
    return Calibration(tuple(fed), f"of {folder}, named by {annotations}", notes, tuple(images))


def _of_videos(videos: Sequence[Path], count: int, work: Path, python: Path) -> Calibration:
    """Frames of videos, from each the same number."""
    images: list[Path] = []
    notes: list[str] = []
    for index, video in enumerate(videos):
        wanted = count * (index + 1) // len(videos) - count * index // len(videos)
        if not wanted:
            continue
        folder = work / f"video-{index}"
        folder.mkdir()
        step(f"Take {wanted} frames of {video} to calibrate with")
        arguments = ["--video", str(video), "--count", str(wanted), "--folder", str(folder)]
        taken, _ = run_worker(python, "ckssd.detect.video_frames", arguments)
        images += [folder / name for name in taken["frames"]]
        notes += taken["notes"]
        if len(taken["frames"]) < wanted:
            notes.append(f"{video}: it has {len(taken['frames'])} frames, where {wanted} were wanted")
    named = ", ".join(f"{video} (sha256 {hash_file(video).sha256})" for video in videos)
    return Calibration(tuple(images), f"that are frames of {named}", tuple(notes))


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of them, evenly spread, in their order."""
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]


def _checked(images: Sequence[Path], work: Path, sizes: list[tuple[int, int]] | None = None) -> list[Path]:
    """Decode each image once; return what to feed: the file, or its pixels where others decode otherwise."""
    from PIL import Image

    from ckssd.detect.images import read_image

    step(f"Check {len(images)} images to calibrate with")
    fed = []
    for index, path in enumerate(images):
        try:
            pixels = read_image(path)
        except InputError as error:
            raise InputError(
                "A calibration image cannot be used", where=path, got=error.got or error.what
            ) from error
        if sizes is not None:
            sizes.append((pixels.shape[1], pixels.shape[0]))
        with Image.open(path) as image:
            alike = image.mode in DECODED_ALIKE.get(image.format or "", ())
        copy = work / f"{index:06}.png"
        if not alike:
            Image.fromarray(pixels).save(copy, compress_level=1)
        fed.append(path if alike else copy)
    return fed


def _of_an_installed_data_set(images: Iterable[Path]) -> bool:
    """Whether a package of a data set was installed with one of these images."""
    folders = {folder for image in images for folder in image.resolve().parents}
    return any(_is_a_data_set(folder) for folder in folders)


def _is_a_data_set(folder: Path) -> bool:
    try:
        installed = read_provenance(folder)
    except InputError:  # a file of that name that is none
        return False
    return installed is not None and installed.entry.alias.startswith("dataset-")


def _is_below(image: Path, folder: Path) -> bool:
    return folder.resolve() in image.resolve().parents
