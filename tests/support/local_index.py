"""Small Python packages and locks for them, so that tests of environments need no network."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from tests.support.http_server import LocalServer, Page

SCRIPT_MODULE = """
import sys

def main():
    print("hello from", sys.prefix)
"""


def make_wheel(folder: Path, name: str, version: str, *, module: str = SCRIPT_MODULE) -> Path:
    """A pure wheel with one module and one console script, both called ``name``; return its path."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": module.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n".encode(),
    }
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, data in files.items():
            wheel.writestr(inner, data)
    return path


def make_sdist(folder: Path, name: str, version: str) -> Path:
    """A source package that cannot be built (no backend is there); return its path."""
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        data = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        info = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return path


BACKEND = """
import os

def _describe(directory):
    info = os.path.join(directory, "{name}-{version}.dist-info")
    os.mkdir(info)
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return os.path.basename(info)

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    return _describe(directory)

def build_wheel(*_):
    raise SystemExit("nobody asked for a wheel")
"""


def make_buildable_sdist(folder: Path, name: str, version: str, *, backend: str = BACKEND) -> Path:
    """A source package with a build backend of its own, which needs nothing; return its path."""
    path = folder / f"{name}-{version}.tar.gz"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n',
        "back.py": backend.replace("{name}", name).replace("{version}", version),
    }
    with tarfile.open(path, "w:gz") as archive:
        for inner, text in files.items():
            info = tarfile.TarInfo(f"{name}-{version}/{inner}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def make_lock(path: Path, *packages: Path, digest: str | None = None) -> Path:
    """A requirements file that pins ``packages`` by hash and finds them in their folder alone."""
    lines = ["--no-index", f"--find-links {packages[0].parent.as_uri()}"]
    for package in packages:
        name, version = package.name.removesuffix(".tar.gz").split("-")[:2]
        lines.append(
            f"{name}=={version} --hash=sha256:{digest or hashlib.sha256(package.read_bytes()).hexdigest()}"
        )
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def make_remote_lock(server: LocalServer, wheel: Path) -> str:
    """A requirements lock that finds ``wheel`` at the server, which has to serve it by its name."""
    link = f'<a href="/{wheel.name}">{wheel.name}</a>'
    index = server.serve(f"{wheel.stem}.html", Page(link.encode(), content_type="text/html"))
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"--no-index\n--find-links {index}\n{name}=={version} --hash=sha256:{digest}\n"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
