"""Which images tell a quantisation the range of every tensor: of a folder, drawn for it, or the data set's.

Each is decoded before TensorFlow or NNCF starts, and a record says which they were. MLPerf forbids to
calibrate with images that are evaluated afterwards, so a note says where that is to be feared.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.fetch.hashing import hash_file
from ckssd.install import read_provenance
from ckssd.report import step

PRECISION = "CK_QUANTIZE"
FOLDER = "CK_CALIBRATION_IMAGES"
COUNT = "CK_CALIBRATION_COUNT"
DATASET_FOLDER = "CK_ENV_DATASET_IMAGE_DIR"
DATASET_TYPE = "CK_ENV_DATASET_TYPE"
SHAPES = "shapes"
DEFAULT_COUNT = 100
# No data set of shapes here has it: neither the validation images nor those of the training.
DRAWN_SEED = 8
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Calibration:
    """Images to calibrate with; all of them can be decoded.

    Attributes
    ----------
    origin
        Where they are from, for people.
    notes
        What is doubtful about them.
    record
        Origin, notes, names with sha256, and the sha256 of these as lines of ``sha256sum``.
    """

    images: tuple[Path, ...]
    origin: str
    notes: tuple[str, ...] = ()

    @cached_property
    def record(self) -> dict[str, Any]:
        """Read the files, once."""
        files = {image.name: hash_file(image).sha256 for image in self.images}
        listed = "".join(f"{digest}  {name}\n" for name, digest in files.items())
        digest = hashlib.sha256(listed.encode()).hexdigest()
        return {"origin": self.origin, "images": files, "sha256": digest, "notes": list(self.notes)}

    @property
    def lines(self) -> tuple[str, ...]:
        """What people should know of it."""
        notes = (f"Note: {note}" for note in self.notes)
        total = f"{len(self.images)} images {self.origin}, sha256 of their list {self.record['sha256']}"
        return (f"Calibrated with {total}", *notes)

    def write_record(self, path: Path) -> Path:
        """Write the record as JSON; return its file."""
        path.write_text(json.dumps(self.record, indent=1) + "\n", encoding="utf-8")
        return path


@contextlib.contextmanager
def calibration_from_environment(env: Mapping[str, str], directory: Path) -> Iterator[Calibration | None]:
    """The images to calibrate with, or None where ``CK_QUANTIZE`` is not set; drawn ones are gone afterwards.

    Parameters
    ----------
    env
        ``CK_QUANTIZE`` (``int8``), ``CK_CALIBRATION_IMAGES`` (a folder) and ``CK_CALIBRATION_COUNT``
        (default 100). Without a folder images are drawn where the chosen data set is the built-in one
        (``CK_ENV_DATASET_TYPE`` is ``shapes``), else that data set's own (``CK_ENV_DATASET_IMAGE_DIR``)
        are taken.
    directory
        Where a relative path starts.

    Raises
    ------
    UsageError
        If a value makes no sense, or nothing says which images.
    InputError
        If the folder has no images, or one cannot be decoded.
    """
    precision = env.get(PRECISION, "").strip()
    if not precision:
        yield None
        return
    if precision.lower() != "int8":
        raise UsageError("unknown precision", where=PRECISION, expected="int8", got=precision)
    count = _count(env.get(COUNT, "").strip() or str(DEFAULT_COUNT))
    given, dataset = (env.get(name, "").strip() for name in (FOLDER, DATASET_FOLDER))
    if not given and env.get(DATASET_TYPE, "").strip() == SHAPES:
        with drawn(count, DRAWN_SEED) as calibration:
            yield calibration
        return
    if not (given or dataset):
        raise UsageError(
            f"{FOLDER} is not set", advice="name a folder of images like those that the model will see"
        )
    yield of_folder(directory / (given or dataset), count, directory / dataset if dataset else None)


@contextlib.contextmanager
def drawn(count: int, seed: int) -> Iterator[Calibration]:
    """Draw images of shapes for this; they are gone afterwards."""
    # Here, because it brings NumPy and Pillow, which most recipes need not wait for.
    from ckssd.coco.shapes import write_shapes_dataset

    step(f"Draw {count} images to calibrate with")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        folder = Path(work) / "calibration"
        write_shapes_dataset(folder, images=count, seed=seed)
        yield Calibration(images_of(folder / "images", count), f"drawn for it (shapes of seed {seed})")


def of_folder(folder: Path, count: int, evaluated: Path | None = None) -> Calibration:
    """At most ``count`` images of a folder, each decoded once.

    Parameters
    ----------
    evaluated
        The images of the chosen data set; those of an installed one are known by its provenance, too.

    Raises
    ------
    InputError
        If there are none, or one cannot be decoded.
    """
    from ckssd.detect.images import read_image

    images = images_of(folder, count)
    step(f"Check {len(images)} images to calibrate with")
    for image in images:
        try:
            read_image(image)
        except InputError as error:
            raise InputError(
                "A calibration image cannot be used", where=image, got=error.got or error.what
            ) from error
    notes: tuple[str, ...] = ()
    chosen = evaluated is not None and folder.resolve() == evaluated.resolve()
    if chosen or _is_of_a_data_set(folder.resolve()):
        notes = (
            "these are images of a data set that models are evaluated on; that flatters the model's accuracy "
            f"on it, and MLPerf forbids it: name a folder of others ({FOLDER})",
        )
    return Calibration(images, f"of {folder}", notes)


def _is_of_a_data_set(folder: Path) -> bool:
    """Whether a package of a data set was installed with these images."""
    try:
        installed = read_provenance(folder.parent)
    except InputError:  # a file of that name that is none
        return False
    return installed is not None and installed.entry.alias.startswith("dataset-")


def images_of(folder: Path, count: int) -> tuple[Path, ...]:
    """At most ``count`` images of a folder, evenly spread over its names in order.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        images = sorted(path.absolute() for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise InputError("the calibration images cannot be read", where=folder, got=error.strerror) from error
    if not images:
        raise InputError("no calibration images", where=folder, expected=f"files {', '.join(SUFFIXES)}")
    count = min(count, len(images))
    return tuple(images[index * len(images) // count] for index in range(count))


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise UsageError("bad number", where=COUNT, expected="a whole number of at least 1", got=text)
    return int(text)
