"""Writes IRs and dumps: whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ckssd.errors import EnvironmentSetupError
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.staging import staging_folder


@contextlib.contextmanager
def staged(folder: Path, name: str) -> Iterator[Path]:
    """Give a path to write ``name.xml`` and ``name.bin`` to; both become real at the end, or neither does.

    Raises
    ------
    EnvironmentSetupError
        If the folder cannot be written to, or the disk is full.
    """
    with staging_folder(folder, name) as staging:
        try:
            yield staging / f"{name}.xml"
            xml = folder / f"{name}.xml"
            # The .xml is what readers open: it is never there without the .bin that belongs to it.
            xml.unlink(missing_ok=True)
            (staging / f"{name}.bin").replace(xml.with_suffix(".bin"))
            (staging / f"{name}.xml").replace(xml)
        except (OSError, RuntimeError) as error:
            raise _cannot_write(folder, error) from error


def _cannot_write(folder: Path, error: Exception) -> EnvironmentSetupError:
    return EnvironmentSetupError("The model cannot be written", where=folder, got=str(error).splitlines()[-1])


def dump(folder: Path, graph: Graph, drawings: Mapping[str, str]) -> list[Path]:
    """Write an edited graph, and drawings (SVG) by name; return the files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [folder / "edited.pb"]
        write_graph(graph, written[0])
        for name, svg in drawings.items():
            path = folder / f"{name}.svg"
            path.write_text(svg, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return written
