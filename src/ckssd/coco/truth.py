"""The ground truth of a data set as arrays: parsed and checked once, then kept by the file's hash.

Parsing and checking COCO's 20 MB of annotations takes a second, loading the arrays a hundredth of that. What
is kept is written beside its place and renamed, so that any number of runs can do it at once; where nothing
can be written, or what is there is not what was written, the annotations are parsed again.

A kept file is the SHA-256 of the rest, then NumPy's archive of the arrays.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.flag_names import DIFFICULT, GROUP_OF, OPEN_IMAGES_LABEL
from ckssd.coco.flags import flags, verified_labels
from ckssd.coco.instances import Entry, Instances, parse_instances
from ckssd.errors import InputError

FORMAT = "ground-truth-5"  # another layout of the arrays, and other notes, get another name

WORTH_KEEPING = 1 << 20  # bytes; less is parsed in no time
LARGEST_AREA = 1e10  # square pixels; COCO's range of areas ends there
HASH_BYTES = hashlib.sha256().digest_size

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroundTruth:
    """A checked instances file; N images, C categories, B boxes.

    ``widths``, ``heights`` [N]: 0 where only the picture says it. ``boxes`` [B, 4]: x, y, width, height in
    pixels. ``crowds``, ``difficult``, ``groups`` [B]: 0 or 1. The order is the file's. ``notes``: what was
    assumed, see ckssd.coco.written, and what looks wrong. ``category_labels``: identifiers of Open Images
    (``/m/01g317``), "" where there is none. What is optional is described in ckssd.coco.flags.
    ``verified`` [V, 3]: image id, category id, and 1 or 0: an image-level label says it is there, or is not.
    """

    image_ids: Integers
    widths: Integers
    heights: Integers
    category_ids: Integers
    box_images: Integers
    box_categories: Integers
    boxes: Floats
    areas: Floats
    crowds: Integers
    difficult: Integers
    groups: Integers
    verified: Integers
    file_names: tuple[str, ...]
    category_names: tuple[str, ...]
    category_labels: tuple[str, ...]
    notes: tuple[str, ...]


TEXTS = ("file_names", "category_names", "category_labels", "notes")
NUMBERS = tuple(field.name for field in fields(GroundTruth) if field.name not in TEXTS)


def read_truth(path: Path, cache: Path | None = None) -> GroundTruth:
    """Read an instances file, or what was kept of the same content before.

    Parameters
    ----------
    path
        A COCO instances file.
    cache
        The folder to keep it in; default: ``ground-truth`` in ``CKSSD_CACHE``.

    Raises
    ------
    InputError
        If the file is missing, no JSON, or breaks COCO's format; it names the file and the key.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("The annotations cannot be read", where=path, got=error.strerror) from error
    if len(data) < WORTH_KEEPING:
        return _from_instances(parse_instances(path, data))
    kept = (cache or _cache_folder()) / f"{hashlib.sha256(data).hexdigest()}.truth"
    truth = _load(kept)
    if truth is None:
        truth = _from_instances(parse_instances(path, data))
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            _store(truth, kept)
    return truth


def _cache_folder() -> Path:
    # ckssd.fetch has the same rule, but cannot be imported in the metrics' environment, which lacks requests.
    chosen, base = os.environ.get("CKSSD_CACHE"), Path(os.environ.get("XDG_CACHE_HOME", ""))
    if chosen:
        return Path(chosen).expanduser().absolute() / FORMAT
    return (base if base.is_absolute() else Path.home() / ".cache") / "ckssd" / FORMAT


def _load(kept: Path) -> GroundTruth | None:
    try:
        content = kept.read_bytes()
    except OSError:
        return None
    stored_hash, archive = content[:HASH_BYTES], content[HASH_BYTES:]
    if stored_hash != hashlib.sha256(archive).digest():
        return None
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        values: dict[str, Any] = {name: arrays[name] for name in NUMBERS}
        values.update({name: tuple(json.loads(arrays[name].tobytes())) for name in TEXTS})
    return GroundTruth(**values)


def _store(truth: GroundTruth, kept: Path) -> None:
    values = vars(truth)
    # Texts as JSON: NumPy's own have one length, that of the longest, and lose zeros at their ends.
    arrays: dict[str, Any] = {name: values[name] for name in NUMBERS}
    for name in TEXTS:
        arrays[name] = np.frombuffer(json.dumps(values[name]).encode("ascii"), np.uint8)
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, suffix=".part", delete=False) as file:
        try:
            file.write(hashlib.sha256(archive.getbuffer()).digest())
            file.write(archive.getbuffer())
            file.close()
            Path(file.name).replace(kept)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _from_instances(content: Instances) -> GroundTruth:
    images, categories, boxes = content.images, content.categories, content.annotations

    def integers(entries: list[Entry], key: str) -> Integers:
        return np.array([entry[key] for entry in entries], np.int64)

    return GroundTruth(
        image_ids=integers(images, "id"),
        widths=integers(images, "width"),
        heights=integers(images, "height"),
        category_ids=integers(categories, "id"),
        box_images=integers(boxes, "image_id"),
        box_categories=integers(boxes, "category_id"),
        boxes=np.array([box["bbox"] for box in boxes], np.float64).reshape(-1, 4),
        areas=np.array([box["area"] for box in boxes], np.float64),
        crowds=integers(boxes, "iscrowd"),
        difficult=flags(boxes, DIFFICULT),
        groups=flags(boxes, GROUP_OF),
        verified=verified_labels(images, categories),
        file_names=tuple(image["file_name"] for image in images),
        category_names=tuple(category["name"] for category in categories),
        category_labels=tuple(category.get(OPEN_IMAGES_LABEL) or "" for category in categories),
        notes=content.notes,
    )
