"""The CK program's and the command's way to an export from a frozen graph: variables in, files out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.graph.settings import Setting
from ckssd.graph.tflite.wanted import NONE
from ckssd.tflite.from_frozen import FrozenExport, export_frozen, given_by
from ckssd.tflite.program import (
    CHECKPOINT,
    EXPORT_FROM,
    FILE,
    FROZEN,
    FROZEN_GRAPH_FILE,
    INSTALL_MODEL,
    MODEL,
    PIPELINE_CONFIG,
    given_settings,
    installed,
    naming_variables,
    nms_kind,
    output_directory,
    settings_from_environment,
)


def export_frozen_from_environment(
    env: Mapping[str, str], directory: Path, *, dry_run: bool = False
) -> FrozenExport | None:
    """Step 1 from a frozen graph, if the variables ask for that; else None.

    Parameters
    ----------
    env
        ``FROZEN_GRAPH`` is a file, whose own limits count where the person gives none. Or
        ``EXPORT_FROM=frozen-graph``: the chosen model's (``CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH``), with the
        settings that `export_from_environment` takes. ``PIPELINE_CONFIG``, ``USE_NMS`` (``none``, too) and
        the limits; ``OUTPUT_DIRECTORY``.
    directory
        Where relative paths start and, without ``OUTPUT_DIRECTORY``, where the graph goes.

    Raises
    ------
    CkssdError
        As `ckssd.tflite.from_frozen.export_frozen`; ``where`` is a variable's name.
    """
    named, source = env.get(FROZEN_GRAPH_FILE, "").strip(), env.get(EXPORT_FROM, "").strip()
    if source not in ("", CHECKPOINT, FROZEN, FILE):
        raise UsageError(
            "unknown source", where=EXPORT_FROM, expected=f"{CHECKPOINT}, {FROZEN} or {FILE}", got=source
        )
    if source == FILE and not named:
        raise UsageError("no file is named", where=EXPORT_FROM, expected=f"{FROZEN_GRAPH_FILE} beside it")
    if source == CHECKPOINT and named:
        raise UsageError(
            "two sources are named",
            where=FROZEN_GRAPH_FILE,
            expected=f"it alone, or {EXPORT_FROM}={CHECKPOINT} alone",
        )
    if source == CHECKPOINT or not (named or source):
        return None
    nms = nms_kind(env)
    if named:
        env = {name: value for name, value in env.items() if not name.startswith(MODEL)}
        given = {name: Setting(each.value, each.variable) for name, each in given_settings(env).items()}
    else:
        given = _all_settings(env) if nms != NONE else {}
    graph = directory / (named or installed(env, MODEL + FROZEN_GRAPH_FILE, INSTALL_MODEL))
    config = env.get(PIPELINE_CONFIG, "").strip()
    with naming_variables(env):
        return export_frozen(
            graph,
            output_directory(env, directory),
            nms=nms,
            given=given,
            pipeline_config=directory / config if config else None,
            dry_run=dry_run,
        )


def _all_settings(env: Mapping[str, str]) -> dict[str, Setting]:
    """The settings that the exporter of checkpoints would take, each with who says so."""
    stated, settings = given_settings(env), given_by(settings_from_environment(env))
    return {
        name: Setting(each.value, stated[name].variable if name in stated else "default of this program")
        for name, each in settings.items()
    }
