"""What CK calls around and in the programs of this repository, in their ``tmp`` folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.ck.pyav import python_with_pyav
from ckssd.errors import CkssdError, NotInstalledError
from ckssd.recipes.frozen import INPUT_MODEL, SAVED_MODEL_DIR, TENSORFLOW_TAGS, frozen_flags
from ckssd.recipes.frozen import PYTHON as TENSORFLOW_PYTHON
from ckssd.recipes.openvino_model import PYTHON as OPENVINO_PYTHON
from ckssd.recipes.openvino_model import model_flags
from ckssd.recipes.quantized import PYTHON as NNCF_PYTHON
from ckssd.recipes.quantized import convert_tflite, optimize_ir
from ckssd.tflite.export import GRAPH
from ckssd.tflite.program import (
    GRAPH_FILE,
    export_from_environment,
    freeze_from_environment,
)
from ckssd.values import switch

MO_FLAG = "MO_"
MO_SWITCHES = ("dry_run", "reverse_input_channels")


def export(environment: Mapping[str, str], folder: Path) -> int:
    """Step 1: the chosen checkpoint, or a frozen graph, to ``tflite_graph.pb`` and ``.pbtxt``.

    Returns
    -------
    int
        The exit code.
    """
    return _reported(lambda: _export(environment, folder))


def freeze(environment: Mapping[str, str], folder: Path) -> int:
    """The chosen checkpoint to ``frozen_inference_graph.pb``; return the exit code."""
    return _reported(lambda: [freeze_from_environment(environment, folder)])


def optimize(environment: Mapping[str, str], folder: Path) -> int:
    """A frozen graph to an IR, by default the chosen model's; return the exit code.

    A variable ``MO_FLAG`` is the flag of ``ckssd mo`` of that name, such as ``MO_INPUT_MODEL``; those that
    quantise the IR then are of `ckssd.recipes.calibration`.
    """
    return _reported(lambda: _optimize(environment, folder))


def convert(environment: Mapping[str, str], folder: Path) -> int:
    """Step 2: a graph to ``detect.tflite`` and ``detect_cut.tflite``; return the exit code.

    Without ``TFLITE_GRAPH`` it is the graph that the export program made last.
    """
    return _reported(lambda: _convert(environment, folder))


def _reported(work: Callable[[], list[Path]]) -> int:
    try:
        for made in work():
            print(f"{made}  {made.stat().st_size} bytes")
    except CkssdError as error:
        print(f"FAILED: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _export(environment: Mapping[str, str], folder: Path) -> list[Path]:
    # Here, because it brings NumPy, which CK's hooks need not wait for.
    from ckssd.tflite.frozen_program import export_frozen_from_environment
    from ckssd.tflite.tf2_program import frozen_first

    with frozen_first(environment, folder) as variables:
        if (made := export_frozen_from_environment(variables, folder)) is not None:
            print(*made.lines, sep="\n")
            return list(made.files)
    exported = export_from_environment(environment, folder)
    print(f"Settings of the postprocessing: {exported.settings}")
    print(*(f"Note: {note}\n" for note in exported.notes), sep="", end="")
    return [exported.graph, exported.graph_text]


def _optimize(environment: Mapping[str, str], folder: Path) -> list[Path]:
    given = {
        name.removeprefix(MO_FLAG).lower(): value
        for name, value in environment.items()
        if name.startswith(MO_FLAG) and value.strip()
    }
    # Here, because it is of no other program.
    from ckssd.graph.mo_flags import notes_on, take_out

    given, others = take_out(given)
    if "transformations_config" in given:
        given["tensorflow_use_custom_operations_config"] = given.pop("transformations_config")
    print(*(f"Note: {note}\n" for note in notes_on(others)), sep="", end="")
    switches = {name: switch(MO_FLAG + name.upper(), given[name]) for name in MO_SWITCHES if name in given}
    chosen = {} if {INPUT_MODEL, SAVED_MODEL_DIR} & given.keys() else model_flags(environment)
    flags = {"output_dir": str(folder), **chosen, **given, **switches}
    openvino = _python(environment, OPENVINO_PYTHON, "lib,openvino")
    nncf = partial(_python, environment, NNCF_PYTHON, "lib,nncf")
    with frozen_flags(flags, folder, partial(_tensorflow, environment)) as frozen:
        done = optimize_ir(frozen, environment, folder, openvino=openvino, nncf=nncf, pyav=python_with_pyav)
    print("\n".join(done["lines"]))
    made = [done["data"], done["data"].get("quantized", {})]
    return [Path(files[kind]) for files in made for kind in ("xml", "bin", "calibration") if kind in files]


def _tensorflow(environment: Mapping[str, str]) -> Path:
    """That of the environment, if somebody chose one; else the installed one."""
    return Path(
        environment.get(TENSORFLOW_PYTHON) or the_environment(TENSORFLOW_TAGS).variables[TENSORFLOW_PYTHON]
    )


def _python(environment: Mapping[str, str], variable: str, tags: str) -> Path:
    if not environment.get(variable):
        raise NotInstalledError(f"{variable} is not set", advice=f"ck install package --tags={tags}")
    return Path(environment[variable])


def _convert(environment: Mapping[str, str], folder: Path) -> list[Path]:
    exported = folder.parent.parent / "export-tflite-ssd-graph" / "tmp" / GRAPH
    if not environment.get(GRAPH_FILE) and not (folder / GRAPH).exists() and exported.exists():
        environment = {**environment, GRAPH_FILE: str(exported)}
    converted, lines = convert_tflite(environment, folder, pyav=python_with_pyav)
    print(
        f"TensorFlow {converted.tensorflow}: {converted.num_anchors} anchors, {converted.num_classes} classes"
    )
    print(*lines, sep="\n", end="\n" if lines else "")
    return list(converted.files)
