"""Which images tell a quantisation the range of every tensor: named ones, drawn ones, or a data set's.

Each is decoded before TensorFlow or NNCF starts, and a record says which they were. MLPerf forbids to
calibrate with images that are evaluated afterwards, so a note says where that is to be feared.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.recipes.calibration_record import Calibration
from ckssd.recipes.calibration_sources import of_data_set, of_files
from ckssd.report import step

PRECISION = "CK_QUANTIZE"
IMAGES = "CK_CALIBRATION_IMAGES"
ANNOTATIONS = "CK_CALIBRATION_ANNOTATIONS"
COUNT = "CK_CALIBRATION_COUNT"
DATASET_FOLDER = "CK_ENV_DATASET_IMAGE_DIR"
DATASET_ANNOTATIONS = "CK_ENV_DATASET_ANNOTATIONS"
DATASET_TYPE = "CK_ENV_DATASET_TYPE"
SHAPES = "shapes"
VARIABLES = (PRECISION, IMAGES, ANNOTATIONS, COUNT, DATASET_FOLDER, DATASET_ANNOTATIONS, DATASET_TYPE)
DEFAULT_COUNT = 100
# No data set of shapes here has it: neither the validation images nor those of the training.
DRAWN_SEED = 8


@contextlib.contextmanager
def calibration_from_environment(
    env: Mapping[str, str], directory: Path, pyav: Callable[[], Path]
) -> Iterator[Calibration | None]:
    """The images to calibrate with, or None where ``CK_QUANTIZE`` is not set; made ones are gone afterwards.

    Parameters
    ----------
    env
        ``CK_QUANTIZE`` (``int8``); ``CK_CALIBRATION_IMAGES`` (a folder, file, pattern or video), with
        ``CK_CALIBRATION_ANNOTATIONS`` those of the folder that it names; ``CK_CALIBRATION_COUNT`` (default
        100). Without images they are drawn where the chosen data set is the built-in one
        (``CK_ENV_DATASET_TYPE`` is ``shapes``), else that data set's own (``CK_ENV_DATASET_IMAGE_DIR``,
        ``CK_ENV_DATASET_ANNOTATIONS``) are taken.
    directory
        Where a relative path starts.
    pyav
        Gives a Python that decodes videos.

    Raises
    ------
    UsageError
        If a value makes no sense, or nothing says which images.
    InputError
        If there are no images, or one cannot be used.
    """
    given = {name: env.get(name, "").strip() for name in VARIABLES}
    if not given[PRECISION]:
        yield None
        return
    if given[PRECISION].lower() != "int8":
        raise UsageError("unknown precision", where=PRECISION, expected="int8", got=given[PRECISION])
    count = _count(given[COUNT] or str(DEFAULT_COUNT))
    if given[ANNOTATIONS] and not given[IMAGES]:
        raise UsageError(f"{ANNOTATIONS} goes with {IMAGES}", expected="the folder of the pictures")
    if not given[IMAGES] and given[DATASET_TYPE] == SHAPES:
        with drawn(count, DRAWN_SEED) as calibration:
            yield calibration
        return
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        yield _found(given, directory, count, Path(work), pyav)


def _found(
    given: Mapping[str, str], directory: Path, count: int, work: Path, pyav: Callable[[], Path]
) -> Calibration:
    images, dataset = given[IMAGES], given[DATASET_FOLDER]
    if images and given[ANNOTATIONS]:
        return of_data_set(directory / given[ANNOTATIONS], directory / images, count, work, evaluated=False)
    if not images and dataset and given[DATASET_ANNOTATIONS]:
        return of_data_set(
            directory / given[DATASET_ANNOTATIONS], directory / dataset, count, work, evaluated=True
        )
    if not (images or dataset):
        raise UsageError(
            f"{IMAGES} is not set",
            advice="name a folder, a pattern or a video of images like those that the model will see",
        )
    evaluated = directory / dataset if dataset else None
    return of_files(images or dataset, directory, count, work, pyav=pyav, evaluated=evaluated)


@contextlib.contextmanager
def drawn(count: int, seed: int) -> Iterator[Calibration]:
    """Draw images of shapes for this; they are gone afterwards."""
    # Here, because it brings NumPy and Pillow, which most recipes need not wait for.
    from ckssd.coco.shapes import write_shapes_dataset

    step(f"Draw {count} images to calibrate with")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        folder = Path(work) / "calibration"
        write_shapes_dataset(folder, images=count, seed=seed)
        images = tuple(sorted((folder / "images").iterdir()))
        yield Calibration(images, f"drawn for it (shapes of seed {seed})")


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise UsageError("bad number", where=COUNT, expected="a whole number of at least 1", got=text)
    return int(text)
