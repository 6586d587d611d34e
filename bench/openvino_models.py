"""What the OpenVINO measurements work on: models by package, frozen graphs by three exporters, TensorFlow.

All is installed in a CK home of its own, in the benchmark's temporary folder: the checkout's stays as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.frozen_graphs import LEGACY_IOU_THRESHOLD, SOFTMAX, freeze, limits
from tests.support.old_exporter import emulate_before_1_6
from tests.support.sandbox import Sandbox

PREFIX = "model,tensorflow,tf,object-detection,"
MODELS = {
    "SSD-MobileNet v1, built-in": PREFIX + "ssd-mobilenet,shapes",
    "SSD-MobileNet v1, full size": PREFIX + "ssd-mobilenet,seeded",
    "SSD-MobileNet v2, full size": PREFIX + "ssd-mobilenet-v2,seeded",
    "SSD Inception v2, full size": PREFIX + "ssd-inception-v2,seeded",
}
FULL_SIZE_V1 = "SSD-MobileNet v1, full size"
# Exporter and change of the pipeline configuration.
GRAPHS = {
    "July 2020": ("2020.07", limits()),
    "July 2020, softmax": ("2020.07", f"{limits()} {SOFTMAX}"),
    "May 2019": ("2019.05", limits()),
    "before 1.6 (emulated)": ("pre-1.6", limits(LEGACY_IOU_THRESHOLD)),
}
EXPORTERS = {"2020.07": "model,tensorflow,api,v2020.07", "2019.05": "model,tensorflow,api,v2019.05"}
TENSORFLOW_1 = "lib,tensorflow,v1.13.1,vprebuilt"
TENSORFLOW, OPENVINO = "lib,tensorflow,vcpu,v2", "lib,openvino"


@dataclass(frozen=True)
class Workshop:
    """A CK home with the tools and models, and the graphs made by them."""

    sandbox: Sandbox

    @property
    def folder(self) -> Path:
        """Where files go that nobody needs afterwards."""
        return self.sandbox.folder

    @cached_property
    def tensorflow(self) -> Path:
        """The interpreter that has TensorFlow."""
        return self._installed(TENSORFLOW, "CK_ENV_LIB_TF_PYTHON_FILE")

    @cached_property
    def openvino(self) -> Path:
        """The interpreter that has OpenVINO."""
        return self._installed(OPENVINO, "CK_ENV_LIB_OPENVINO_PYTHON_FILE")

    @cached_property
    def exporters(self) -> dict[str, Path]:
        """Release of the Object Detection API to its directory ``object_detection``."""
        found = {release: self._exporter(release) for release in EXPORTERS}
        found["pre-1.6"] = emulate_before_1_6(found["2019.05"].parent, self.folder / "before 1.6")
        return found

    def model(self, name: str) -> Path:
        """The folder of a TensorFlow model."""
        _ = self.tensorflow, self._exporter("2020.07")
        return self._installed(MODELS[name], "CK_ENV_TENSORFLOW_MODEL_ROOT")

    def graphs(self, name: str) -> dict[str, Path]:
        """A model's frozen graphs: its exporter to the file."""
        made = {graph: self.folder / "graphs" / f"{name}, {graph}.pb" for graph in GRAPHS}
        for exporter, obj_det_dir in self.exporters.items():
            wanted = {
                made[graph]: (self.model(name), override)
                for graph, (by, override) in GRAPHS.items()
                if by == exporter
            }
            freeze(self.tensorflow, obj_det_dir, wanted)
        return made

    def by_tensorflow_1(self, name: str) -> tuple[Path, Path]:
        """The interpreter of TensorFlow 1.13.1, and a model's frozen graph as that exports it."""
        folder = self.model(name)
        python = self._installed(TENSORFLOW_1, "CK_ENV_LIB_TF_PYTHON_FILE")
        graph = self.folder / "graphs" / "TensorFlow 1.13.1.pb"
        freeze(python, self._exporter("2020.07"), {graph: (folder, "")})
        return python, graph

    def _exporter(self, release: str) -> Path:
        return self._installed(EXPORTERS[release], "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR")

    def _installed(self, tags: str, variable: str) -> Path:
        found = self._variables(tags)
        if not found:
            # Models are made with the newer exporter, also when the older one is there.
            newer = "--dep_add_tags.models-api=v2020.07"
            done = self.sandbox.ck("install", "package", f"--tags={tags}", newer)
            if done.code != 0:
                raise SystemExit(done.text)
            found = self._variables(tags)
        return Path(found[variable])

    def _variables(self, tags: str) -> dict[str, str]:
        answer = json.loads(self.sandbox.ckssd("info", f"--tags={tags}", "--json").out)
        return next((dict(item["variables"]) for item in answer["data"]["installed"]), {})
