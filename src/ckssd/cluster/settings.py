"""Where and how a run goes over a cluster: by variables beside those of the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.image_address import FORM as IMAGE_ADDRESS_FORM
from ckssd.coco.image_address import VARIABLE as IMAGE_ADDRESS
from ckssd.coco.image_address import image_address
from ckssd.errors import NotInstalledError, UsageError
from ckssd.measure.settings import CLUSTER, BenchmarkSettings
from ckssd.model.files import value
from ckssd.secrets import given, public
from ckssd.values import Check, bad_value, file_path, made_folder, real_number, switch, whole_number

VARIABLE = CLUSTER
LOCAL = "ray"
SHARED, SENT, ENTRY = "shared", "sent", "entry"
RAY_PYTHON = "CK_ENV_LIB_RAY_PYTHON_FILE"
IMAGES = "CK_CLUSTER_IMAGES"
PICTURES = f"{SHARED}, {SENT}, {ENTRY}, or {IMAGE_ADDRESS_FORM}"
EXPECTED = "ray (this machine), ray://HOST:10001, or HOST:6379 as `ray start` shows it"


@dataclass(frozen=True)
class ClusterSettings:
    """A cluster, and what is asked of it.

    ``address``: without its secrets, which ``reach`` has. ``images``: shared (on a path that all nodes have),
    sent (with each batch), entry (at the address that the data set's entry says), or an address, without its
    secrets. ``folder`` keeps finished batches, from which ``resume`` goes on. ``batch``: images in
    one (None: by the number of workers). ``deadline_s``: a batch that takes longer is given to another node.
    """

    address: str
    images: str = SHARED
    folder: Path | None = None
    resume: bool = False
    batch: int | None = None
    deadline_s: float = 300.0

    def __post_init__(self) -> None:
        if self.resume and self.folder is None:
            raise UsageError("--resume needs the folder of the run", expected="--run-folder DIR")

    @property
    def reach(self) -> str:
        """The address as this process was given it."""
        return given(self.address)


def address(name: str, text: Any) -> str:
    """The check of an address; what comes back has no secrets."""
    word = str(text).strip()
    # What has no scheme is Ray's own form, which has no place for secrets.
    form = r"[\w.-]+:[0-9]{1,5}|ray://(\S+@)?[\w.-]+:[0-9]{1,5}(\?\S*)?"
    if word == LOCAL or re.fullmatch(form, word, re.ASCII):
        return public(word)
    scheme = "" if "://" in word else "ray://"
    raise bad_value(name, EXPECTED, public(scheme + word).removeprefix(scheme))


def _pictures(name: str, text: Any) -> str:
    """The check of where the nodes have the pictures from."""
    word = str(text).strip()
    return word.lower() if word.lower() in (SHARED, SENT, ENTRY) else image_address(name, word, PICTURES)


FIELDS: dict[str, tuple[str, Check]] = {
    "address": (VARIABLE, address),
    "images": (IMAGES, _pictures),
    "folder": ("CK_CLUSTER_FOLDER", made_folder),
    "resume": ("CK_CLUSTER_RESUME", switch),
    "batch": ("CK_CLUSTER_BATCH", whole_number(1)),
    "deadline_s": ("CK_CLUSTER_DEADLINE", real_number(0, above=True)),
}


def from_environment(environment: Mapping[str, str]) -> ClusterSettings | None:
    """What the variables say; None: the run is one of this machine alone.

    Raises
    ------
    UsageError
        A variable has a bad value.
    """
    if value(environment, VARIABLE) is None:
        return None
    found: dict[str, Any] = {}
    for field, (variable, check) in FIELDS.items():
        text = value(environment, variable)
        if text is not None:
            found[field] = check(variable, text)
    return ClusterSettings(**found)


def ray_python(environment: Mapping[str, str]) -> Path:
    """The interpreter that has Ray; raises a NotInstalledError."""
    named = value(environment, RAY_PYTHON)
    if named is None:
        raise NotInstalledError(
            "Ray is not installed", where=RAY_PYTHON, advice="ckssd install --tags=lib,ray"
        )
    found: Path = file_path(RAY_PYTHON, named)
    return found


def image_source(cluster: ClusterSettings, settings: BenchmarkSettings) -> str | None:
    """The public address that the nodes fetch pictures from; None: they are shared or sent.

    Raises
    ------
    UsageError
        The data set's entry is to say it, and does not.
    """
    if cluster.images != ENTRY:
        return None if cluster.images in (SHARED, SENT) else cluster.images
    if settings.image_address is None:
        raise UsageError(
            "The data set's entry does not say where its pictures are",
            where=IMAGES,
            expected=f"an address in {IMAGE_ADDRESS}",
            advice="name it (--cluster-images ADDRESS), import the data set with it (--image-address), or"
            " send the pictures (--cluster-images sent)",
        )
    return settings.image_address


def check_run(cluster: ClusterSettings, settings: BenchmarkSettings) -> None:
    """Raise a UsageError for a run that is none of many machines."""
    image_source(cluster, settings)
    settings.refuse_parts("A run over a cluster")
    if settings.mode == "latency":
        raise UsageError(
            "Latency is that of one machine", where="CK_MODE", expected="throughput", got="latency"
        )
    if settings.preprocessed_cache is not None:
        raise UsageError("The nodes keep no resized images", where="CK_PREPROCESSED_CACHE", advice="unset it")
