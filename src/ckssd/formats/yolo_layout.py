"""Where the pictures and names of a YOLO data set are: ``data.yaml``, Darknet's lists, or folders alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, short
from ckssd.formats.pictures import SUFFIXES
from ckssd.formats.reading import choose_split, fault, files_in, read_list, read_text
from ckssd.yaml_text import load_yaml

YAML = (".yaml", ".yml")
SPLITS = ("train", "val", "valid", "test")
NAMES = ("classes.txt", "obj.names", "data.names", "labels.txt", "_darknet.labels")


@dataclass
class Layout:
    """What was found; ``listed``: the pictures are those of a list, other labels may be beside theirs."""

    root: Path
    names: list[str]
    names_file: Path
    pictures: list[Path]
    split: str | None
    listed: bool = False
    poses: bool = False
    notes: list[str] = field(default_factory=list)


def layout_of(source: Path, asked: str | None) -> Layout:
    """Find the layout of a folder, or of a ``data.yaml``.

    Raises
    ------
    InputError, UsageError
        There is none, or its splits are not clear.
    """
    if not source.is_dir():
        return _of_yaml(source, _settings(source), asked)
    for file in sorted(place for place in source.iterdir() if place.suffix.lower() in YAML):
        settings = _settings(file)
        if "names" in settings:
            return _of_yaml(file, settings, asked)
    return _of_folders(source, asked)


def _settings(file: Path) -> dict[str, Any]:
    content = load_yaml(read_text(file), file)
    if not isinstance(content, dict):
        raise fault(file, "names and splits", type(content).__name__)
    return content


def _of_yaml(file: Path, settings: dict[str, Any], asked: str | None) -> Layout:
    names = _names(file, settings)
    notes: list[str] = []
    root = _root(file, settings.get("path"), notes)
    splits = _distinct_splits(
        {key: _texts(f"{file}: {key}", settings[key]) for key in SPLITS if settings.get(key)}
    )
    split = choose_split(list(splits), asked, file)
    if not splits:
        found = _of_folders(root, asked, names, file)
        return Layout(
            root, names, file, found.pictures, found.split, found.listed, "kpt_shape" in settings, notes
        )
    chosen = [text for key, texts in splits.items() if split in (None, key) for text in texts]
    pictures: list[Path] = []
    listed = False
    for text in chosen:
        place = _place(file, root, text)
        listed |= place.is_file()
        pictures += _listed(place, root) if place.is_file() else files_in(place, SUFFIXES)
    if not pictures:
        raise InputError(
            "The split has no pictures", where=f"{file}: {split or 'all'}", got=", ".join(chosen)
        )
    pictures = list(dict.fromkeys(pictures))
    return Layout(root, names, file, pictures, split, listed, "kpt_shape" in settings, notes)


def _names(file: Path, settings: dict[str, Any]) -> list[str]:
    names = settings.get("names")
    where = f"{file}: names"
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise fault(where, f"the numbers 0 to {len(names) - 1}", ", ".join(map(str, list(names)[:5])))
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise fault(where, "a list of names, or numbers to names", type(names).__name__)
    if "nc" in settings and settings["nc"] != len(names):
        raise fault(f"{file}: nc", f"{len(names)}, the number of names", settings["nc"])
    # YAML reads names such as 7 or no as a number or a switch; they are names all the same.
    for name in names:
        if not isinstance(name, str):
            raise fault(where, "names as text", f"{name!r}: put it in quotation marks")
    return _distinct(where, names)


def _distinct(where: object, names: list[str]) -> list[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise fault(where, "each name once", f"{short(name)} again")
    return names


def _texts(where: str, value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise fault(where, "a folder, a list of pictures, or several", value)
    return texts


def _distinct_splits(splits: dict[str, list[str]]) -> dict[str, list[str]]:
    """One folder under several names is one split: Ultralytics wants ``train`` and ``val`` in any case."""
    kept: dict[tuple[str, ...], str] = {}
    for key, texts in splits.items():
        place = tuple(texts)
        if place not in kept or kept[place] != Path(texts[-1]).name:
            kept[place] = key
    return {key: list(place) for place, key in kept.items()}


def _root(file: Path, path: Any, notes: list[str]) -> Path:
    beside = file.absolute().parent
    if not isinstance(path, str) or not path:
        return beside
    place = Path(path) if Path(path).is_absolute() else beside / path
    if place.is_dir():
        return Path(*place.parts) if ".." in place.parts else place
    notes.append(f"{file.name}: path is not there, its own folder was taken ({short(path)})")
    return beside


def _place(file: Path, root: Path, text: str) -> Path:
    """A split's folder or list; Roboflow writes ``../train/images`` for a folder beside ``data.yaml``."""
    plain = text.replace("\\", "/")
    for place in (root / plain, root / plain.removeprefix("../"), file.absolute().parent / plain):
        if place.exists():
            return place
    raise InputError("The split is not there", where=f"{file}: {short(text)}", expected=root / plain)


def _listed(file: Path, root: Path) -> list[Path]:
    """The pictures of a list; those that are not there by the path that was tried first."""
    found = []
    for line in read_list(file):
        plain = line.replace("\\", "/")
        places = [
            file.parent / plain,
            root / plain,
            *(root / plain.removeprefix(start) for start in ("data/",)),
        ]
        found.append(next((place for place in places if place.is_file()), places[0]))
    return found


def _of_folders(
    source: Path, asked: str | None, names: list[str] | None = None, names_file: Path | None = None
) -> Layout:
    if names is None:
        names_file = _names_file(source)
        names = _distinct(names_file, read_list(names_file))
    if not names or names_file is None:
        raise InputError("The file has no names", where=names_file)
    lists = {name: file for name in SPLITS if _is_list(file := source / f"{name}.txt")}
    if lists:
        split = choose_split(list(lists), asked, source)
        chosen = [file for name, file in lists.items() if split in (None, name)]
        pictures = [picture for file in chosen for picture in _listed(file, source)]
        return Layout(source, names, names_file, list(dict.fromkeys(pictures)), split, listed=True)
    folders = _split_folders(source)
    split = choose_split(list(folders), asked, source)
    places = [place for name, place in folders.items() if split in (None, name)]
    if not places:
        places = [place] if files_in(place := source / "images", SUFFIXES) else [source]
    pictures = [picture for place in places for picture in files_in(place, SUFFIXES)]
    if not pictures:
        raise InputError(
            "The source has no pictures", where=places[0], expected=f"files {', '.join(SUFFIXES)}"
        )
    return Layout(source, names, names_file, pictures, split)


def _names_file(source: Path) -> Path:
    places = [
        *(source / name for name in NAMES),
        source / "labels" / NAMES[0],
        *sorted(source.glob("*.names")),
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(
            "The source has no class names", where=source, expected="names in data.yaml, or classes.txt"
        )
    return found


def _is_list(file: Path) -> bool:
    """Whether a text file lists pictures; ``val.txt`` may also be the labels of ``val.jpg``."""
    if not file.is_file():
        return False
    lines = read_list(file)
    return bool(lines) and all(line.lower().endswith(SUFFIXES) for line in lines)


def _split_folders(source: Path) -> dict[str, Path]:
    """``images/train`` or ``train/images``, by split."""
    found = {}
    for name in SPLITS:
        places: Sequence[Path] = (source / "images" / name, source / name / "images")
        place = next((place for place in places if place.is_dir()), None)
        if place is not None and files_in(place, SUFFIXES):
            found[name] = place
    return found
