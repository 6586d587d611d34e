"""Which runtime a model is for, where only its tags are named."""

from __future__ import annotations

import pytest

from ckssd.model.runtimes import DEFAULT_RUNTIME, RUNTIMES, runtime_of_tags


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_tags_of_a_runtimes_models_name_it(runtime: str) -> None:
    assert runtime_of_tags(RUNTIMES[runtime].models) == runtime


@pytest.mark.parametrize("tags", ["", "shapes", "model,ssdlite-int8", "tflite,openvino", "my-openvino"])
def test_other_tags_name_the_default(tags: str) -> None:
    assert runtime_of_tags(tags) == DEFAULT_RUNTIME
