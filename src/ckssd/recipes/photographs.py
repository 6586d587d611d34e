"""A data set of photographs out of published packages, some of them kept in other forms as well.

Photographs come as their publishers have them (``ckssd.sources``); ``ckssd.derived`` lists the forms that a
camera or an editor would give them, each made here by Pillow: ``{"from", "to", "as"}`` with paths in the
installation and a name of :data:`FORMS`. Annotations are shipped with the entry (``ckssd.files``).
"""

from __future__ import annotations

import bz2
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckssd.errors import InputError, UsageError
from ckssd.recipes.download import fetch_and_lay_out
from ckssd.recipes.members import inner_path
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import step

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 95
ORIENTATION, TURN_RIGHT = 0x0112, 6  # of EXIF 2.3: what shows it upright is a quarter turn clockwise
ALPHA_FROM, ALPHA_TO = 255, 64
FACE_SHAPE = (768, 1024, 3)
SHIPPED, ARRAYS = "files", "arrays"


@recipe()
def photographs(package: Package, staging: Path) -> Used:
    """Fetch the photographs, make their other forms, and put the annotations beside them.

    Raises
    ------
    UsageError
        A form is malformed or unknown.
    InputError
        A photograph cannot be read.
    """
    forms = [_form(entry, f"{package.alias}: ckssd.derived") for entry in package.section.get("derived", [])]
    records = fetch_and_lay_out(package, staging)
    step(f"Making {len(forms)} further forms of photographs")
    for source, target, make in forms:
        (staging / target).parent.mkdir(parents=True, exist_ok=True)
        try:
            make(staging / source, staging / target)
        except (OSError, ValueError, KeyError) as error:
            raise InputError("A photograph cannot be read", where=source, got=error) from error
    shutil.rmtree(staging / ARRAYS, ignore_errors=True)  # only a picture's raw material
    shutil.copytree(package.folder / SHIPPED, staging, dirs_exist_ok=True)
    shutil.copyfile(package.folder / "README.md", staging / "README.md")
    tools = {"pillow": version("pillow"), "numpy": version("numpy")}
    return Used(sources=records, tools=tools, extra={"derived": package.section.get("derived", [])})


def phone(source: Path, target: Path) -> None:
    """A JPEG as a phone held upright stores it: turned, with the orientation in its EXIF data."""
    from PIL import Image

    image = _opened(source).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = TURN_RIGHT
    image.save(target, "JPEG", quality=QUALITY, exif=exif)


def grey(source: Path, target: Path) -> None:
    """A JPEG of one channel."""
    _opened(source).convert("L").save(target, "JPEG", quality=QUALITY)


def progressive(source: Path, target: Path) -> None:
    """A progressive JPEG."""
    _opened(source).save(target, "JPEG", quality=QUALITY, progressive=True)


def alpha(source: Path, target: Path) -> None:
    """A PNG that fades out from left to right; the colours beneath are whole."""
    import numpy as np
    from PIL import Image

    image = _opened(source)
    row = np.linspace(ALPHA_FROM, ALPHA_TO, image.width).round().astype(np.uint8)
    image.putalpha(Image.fromarray(np.tile(row, (image.height, 1))))
    image.save(target, "PNG")


def picture(source: Path, target: Path) -> None:
    """A PNG of the grey levels in NumPy's archive (``data``: uint8, two axes)."""
    import numpy as np
    from PIL import Image

    with np.load(source, allow_pickle=False) as arrays:
        levels = arrays["data"]
    if levels.dtype != np.uint8 or levels.ndim != 2:
        raise ValueError(f"{levels.dtype} {levels.shape} instead of uint8 [height, width]")
    Image.fromarray(levels).save(target, "PNG")


def face(source: Path, target: Path) -> None:
    """A PNG of SciPy's ``face.dat``: rows of RGB pixels (uint8), compressed by bzip2."""
    import numpy as np
    from PIL import Image

    pixels = np.frombuffer(bz2.decompress(source.read_bytes()), np.uint8)
    Image.fromarray(pixels.reshape(FACE_SHAPE)).save(target, "PNG")


FORMS: dict[str, Callable[[Path, Path], None]] = {
    "alpha": alpha,
    "face": face,
    "grey": grey,
    "phone": phone,
    "picture": picture,
    "progressive": progressive,
}


def _form(entry: object, where: str) -> tuple[str, str, Callable[[Path, Path], None]]:
    table: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    source, target = inner_path(table, "from", where), inner_path(table, "to", where)
    if source is None or target is None or table.get("as") not in FORMS:
        raise UsageError(
            "A form of a photograph is malformed",
            where=where,
            expected=f"from, to, and as: {', '.join(FORMS)}",
            got=str(entry)[:100],
        )
    return source, target, FORMS[str(table["as"])]


def _opened(source: Path) -> Image:
    """The photograph's colours, without its own EXIF data and profile."""
    import numpy as np
    from PIL import Image

    with Image.open(source) as image:
        return Image.fromarray(np.asarray(image.convert("RGB")))
