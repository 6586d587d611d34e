"""Preprocessors that keep an image's aspect ratio: read from a graph or pipeline.config, said in the IR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.detect.openvino import read_ir
from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.pipeline import read_pipeline
from ckssd.graph.resizer import AspectResizer, from_text
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.resizer import fixed_size_override, keep_beside
from tests.graph.test_mo import converted
from tests.graph.tiny_ssd import keep_aspect, tiny_ssd

PAD = (10.0, 20.0, 30.0)


def aspect_graph(pad: tuple[float, ...] = PAD) -> Graph:
    graph = tiny_ssd()
    keep_aspect(graph, pad=pad)
    return graph


def test_an_ir_says_how_images_get_there(tmp_path: Path) -> None:
    done = converted(aspect_graph(), tmp_path)
    assert (
        done.data["settings"]["resizer"]["value"] == "keep_aspect_ratio_resizer 3 to 4, padded with 10 20 30"
    )
    assert done.data["model"]["inputs"] == {"image_tensor": [1, 4, 4, 3]}
    assert read_ir(Path(done.data["xml"])).input.aspect == AspectResizer(3, 4, padded=True, pad=PAD)


def test_an_ir_without_padding_is_for_the_size_that_is_asked_for(tmp_path: Path) -> None:
    done = converted(aspect_graph(pad=()), tmp_path, input_shape=(1, 4, 4, 3))
    assert read_ir(Path(done.data["xml"])).input.aspect == AspectResizer(3, 4, padded=False)
    with pytest.raises(InputError, match="The image size is stated nowhere"):
        converted(aspect_graph(pad=()), tmp_path)


def test_an_ir_of_a_graph_that_stretches_says_nothing(tmp_path: Path) -> None:
    assert read_ir(Path(converted(tiny_ssd(), tmp_path).data["xml"])).input.aspect is None


def test_a_tflite_graph_has_a_configuration_beside_it(tmp_path: Path) -> None:
    write_graph(aspect_graph(), tmp_path / "frozen.pb")
    files = export_frozen(tmp_path / "frozen.pb", tmp_path / "out").files
    assert files[-1] == tmp_path / "out" / "pipeline.config"
    assert read_pipeline(files[-1]).aspect_resizer() == AspectResizer(3, 4, padded=True, pad=PAD)


def test_a_tflite_graph_needs_one_size(tmp_path: Path) -> None:
    write_graph(aspect_graph(pad=()), tmp_path / "frozen.pb")
    with pytest.raises(InputError, match="resizes images to no fixed size"):
        export_frozen(tmp_path / "frozen.pb", tmp_path / "out")


def write_config(folder: Path, fields: str) -> Path:
    path = folder / "pipeline.config"
    path.write_text(f"model {{ ssd {{ image_resizer {{ keep_aspect_ratio_resizer {{ {fields} }} }} }} }}")
    return path


def test_a_checkpoint_is_exported_in_the_size_that_it_pads_to(tmp_path: Path) -> None:
    config = write_config(tmp_path, "min_dimension: 200 max_dimension: 320 pad_to_max_dimension: true")
    assert "fixed_shape_resizer { height: 320 width: 320 }" in fixed_size_override(config)
    (tmp_path / "made").mkdir()
    keep_beside(config, tmp_path / "made")
    assert (tmp_path / "made" / "pipeline.config").read_bytes() == config.read_bytes()
    with pytest.raises(InputError, match=r"no fixed size.*keep_aspect_ratio_resizer 600 to 1024"):
        fixed_size_override(write_config(tmp_path, ""))


def test_a_configuration_that_stretches_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "pipeline.config"
    config.write_text("model { ssd { image_resizer { fixed_shape_resizer { height: 4 width: 5 } } } }")
    (tmp_path / "made").mkdir()
    keep_beside(config, tmp_path / "made")
    assert (fixed_size_override(config), list((tmp_path / "made").iterdir())) == ("", [])


def test_padding_of_another_number_of_channels_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, "pad_to_max_dimension: true per_channel_pad_value: 5")
    with pytest.raises(InputError, match="pads with other values than three numbers"):
        read_pipeline(config).aspect_resizer()


@given(st.integers(1, 700), st.integers(1, 1500), st.booleans(), st.tuples(*[st.integers(0, 255)] * 3))
def test_its_text_is_read_again(least: int, more: int, padded: bool, pad: tuple[int, int, int]) -> None:
    aspect = AspectResizer(least, least + more, padded, pad if padded else (0, 0, 0))
    assert from_text(str(aspect)) == aspect


@pytest.mark.parametrize("text", ["", "fixed", "keep_aspect_ratio_resizer 1 to 2, padded with a b c"])
def test_another_text_is_none(text: str) -> None:
    assert from_text(text) is None


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_an_image_fits_and_touches_a_side(width: int, height: int) -> None:
    aspect = AspectResizer(200, 300, padded=True)
    new_width, new_height = aspect.resized(width, height, (300, 300))
    assert new_width <= 300
    assert new_height <= 300
    assert max(new_width, new_height) == 300 or min(new_width, new_height) == 200
    if min(new_width, new_height) > 20:
        assert np.isclose(new_width / new_height, width / height, rtol=0.05)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_an_image_of_another_aspect_ratio_has_room_in_a_fixed_input(width: int, height: int) -> None:
    new_width, new_height = AspectResizer(600, 1024, padded=False).resized(width, height, (800, 600))
    assert new_width <= 800
    assert new_height <= 600
