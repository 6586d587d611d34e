"""Every flag of Model Optimizer from 2019 R1 to 2022.1: taken, or refused with what to use instead."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import InputError, UsageError
from ckssd.graph import mo_flags, options
from ckssd.graph.graphdef import write_graph
from ckssd.graph.options import from_mapping, options_from
from ckssd.graph.plan import make_plan
from tests.graph.tiny_ssd import tiny_ssd
from tests.graph.tiny_tf2 import tiny_tf2
from tests.support.sandbox import CHECKOUT

PAGE = CHECKOUT / "docs" / "mo-flags.md"
# As `mo --help` of 2022.1 lists them.
OF_2022_1 = """
--input_model -m --model_name -n --output_dir -o --input_shape --scale -s --reverse_input_channels --log_level
--input --output --mean_values -ms --scale_values --source_layout --target_layout --layout --data_type
--transform --disable_fusing --disable_resnet_optimization --finegrain_fusing --enable_concat_optimization
--extensions --batch -b --silent --freeze_placeholder_with_value --static_shape --disable_weights_compression
--progress --stream_output --transformations_config --use_new_frontend --use_legacy_frontend --input_proto
--caffe_parser_path -k --mean_file -mf --mean_file_offsets -mo --disable_omitting_optional
--enable_flattening_nested_params --input_model_is_text --input_checkpoint --input_meta_graph
--saved_model_dir --saved_model_tags --tensorflow_custom_operations_config_update
--tensorflow_use_custom_operations_config --tensorflow_object_detection_api_pipeline_config
--tensorboard_logdir --tensorflow_custom_layer_libraries --disable_nhwc_to_nchw --input_symbol
--nd_prefix_name --pretrained_model_name --save_params_from_nd --legacy_mxnet_model --enable_ssd_gluoncv
--counts --remove_output_softmax --remove_memory --framework --legacy_ir_generation
"""
# Of 2019 R1 to 2021.4, gone by then.
OLDER = """
--disable_gfusing --keep_shape_ops --move_to_preprocess --generate_deprecated_IR_V2
--generate_deprecated_IR_V7 --generate_experimental_IR_V10 --keep_quantize_ops_in_IR --blobs_as_inputs
--tensorflow_subgraph_patterns --tensorflow_operation_patterns --offload_unsupported_operations_to_tf
"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    options.add_arguments(made)
    mo_flags.add_arguments(made)
    return made


def rows() -> Iterator[str]:
    """The page's table, as docs/mo-flags.md has it."""
    for flag in mo_flags.FLAGS:
        names = ", ".join(f"`{name}`" for name in flag.names)
        if flag.instead is None:
            yield f"| {names} | taken | no effect: what it asks for is done, or does not exist here |"
        elif flag.allowed:
            taken = " or ".join(f"`{value}`" for value in flag.allowed)
            yield f"| {names} | {taken} | {flag.instead} |"
        else:
            yield f"| {names} | refused | {flag.instead} |"


@pytest.mark.parametrize("flag", [*OF_2022_1.split(), *OLDER.split()])
def test_every_flag_is_known(flag: str) -> None:
    known = {name for action in parser()._actions for name in action.option_strings}
    assert flag in known


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in rows() if row not in page] == []


def test_a_flag_without_effect_is_noted_and_one_that_asks_for_more_is_refused() -> None:
    given = parser().parse_args(
        [
            "-m",
            "x.pb",
            "--log_level",
            "DEBUG",
            "--disable_fusing",
            "--framework=tf",
            "--input",
            "image_tensor",
        ]
    )
    assert mo_flags.notes_on(given.mo_flags) == [
        "--log_level has no effect",
        "--disable_fusing has no effect",
    ]
    given = parser().parse_args(["-m", "x.pb", "--mean_values", "[127,127,127]"])
    with pytest.raises(UsageError, match=r"--mean_values \[127,127,127\]; the Preprocessor's own scaling"):
        mo_flags.notes_on(given.mo_flags)
    given = parser().parse_args(["-m", "x.pb", "--framework", "caffe"])
    with pytest.raises(UsageError, match=r"expected --framework tf\); only TensorFlow's SSDs"):
        mo_flags.notes_on(given.mo_flags)


def test_a_programs_variables_are_parted_the_same_way() -> None:
    ours, others = mo_flags.take_out({"input_model": "x.pb", "log_level": "DEBUG", "scale": "255"})
    assert ours == {"input_model": "x.pb"}
    assert others == [("--log_level", "DEBUG"), ("--scale", "255")]


@pytest.mark.parametrize(("name", "meant"), [("half", "FP16"), ("float", "FP32"), ("FP16", "FP16")])
def test_data_types_by_both_names(name: str, meant: str) -> None:
    assert options_from(from_mapping({"input_model": "x.pb", "data_type": name})).data_type == meant


def public(version: str, **custom: Any) -> list[dict[str, Any]]:
    """The form of OpenVINO's own files for TensorFlow 2, with its ids, points and attributes."""
    call, ends = "StatefulPartitionedCall/", [f"StatefulPartitionedCall/Identity_{k}" for k in range(1, 8)]
    first = {"2.0": "Reshape_1", "2.4": "raw_box_encodings"}[version]
    points = [f"{call}Postprocessor/{name}" for name in (first, "scale_logits", "Tile", "Cast_1")]
    attributes = {
        "code_type": "caffe.PriorBoxParameter.CENTER_SIZE",
        "pad_mode": "caffe.ResizeParameter.CONSTANT",
        "resize_mode": "caffe.ResizeParameter.WARP",
        "clip_before_nms": False,
        "clip_after_nms": True,
        "disable_prior_boxes_layers_generator": True,
        **custom,
    }
    return [
        {
            "custom_attributes": {"start_nodes": [f"{call}a"], "end_nodes": [f"{call}b"]},
            "id": "ObjectDetectionAPIPreprocessor2Replacement",
            "match_kind": "general",
        },
        {
            "custom_attributes": attributes,
            "id": "ObjectDetectionAPISSDPostprocessorReplacement",
            "include_inputs_to_sub_graph": True,
            "include_outputs_to_sub_graph": True,
            "instances": {"end_points": ends, "start_points": points},
            "match_kind": "points",
        },
        {
            "custom_attributes": {"outputs": ",".join(ends)},
            "id": "ObjectDetectionAPIOutputReplacement",
            "match_kind": "general",
        },
    ]


@pytest.mark.parametrize("version", ["2.0", "2.4"])
def test_openvinos_own_file_for_tensorflow_2_is_read(version: str, tmp_path: Path) -> None:
    graph, file = tmp_path / "frozen.pb", tmp_path / f"ssd_support_api_v{version}.json"
    write_graph(tiny_tf2(), graph)
    file.write_text(json.dumps(public(version, confidence_threshold=0.25)))
    flags = {"input_model": str(graph), "tensorflow_use_custom_operations_config": str(file)}
    plan = make_plan(options_from(from_mapping(flags)))
    assert plan.reason == (
        "given on the command line; its points are read as those of ssd_support_api_v2.4.json"
    )
    assert plan.context.settings["confidence_threshold"].value == 0.25
    write_graph(tiny_ssd(), graph)
    with pytest.raises(InputError, match="No configuration fits this graph"):
        make_plan(options_from(from_mapping(flags)))


@pytest.mark.parametrize(
    "name", ["ssd_support_api_v2.0.json", "ssd_support_api_v2.4.json", "ssd_support_api_v1.15.json"]
)
def test_public_names_stand_for_shipped_files(name: str, tmp_path: Path) -> None:
    graph = tmp_path / "frozen.pb"
    write_graph(tiny_ssd() if "v1" in name else tiny_tf2(), graph)
    flags = {
        "input_model": str(graph),
        "tensorflow_use_custom_operations_config": f"extensions/front/tf/{name}",
    }
    plan = make_plan(options_from(from_mapping(flags)))
    assert "shipped file of this name" in plan.reason
