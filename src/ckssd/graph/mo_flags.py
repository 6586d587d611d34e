"""Model Optimizer's other flags, of 2019 R1 to 2022.1: what each did, and what to do instead.

A command line that worked then either works, or ends with one line that says why not. ``docs/mo-flags.md``
shows this table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ckssd.errors import UsageError

DEST = "mo_flags"


@dataclass(frozen=True)
class Flag:
    """One flag.

    Attributes
    ----------
    names
        With their dashes.
    takes_value
        Whether a value follows.
    allowed
        Values that ask for what happens anyway; None: any of them.
    instead
        Why it is refused, and what to use; None: it is taken and has no effect.
    """

    names: tuple[str, ...]
    takes_value: bool
    instead: str | None = None
    allowed: tuple[str, ...] = ()


_OTHER_FRAMEWORK = "only TensorFlow's SSDs are converted here"
_IN_THE_GRAPH = (
    "the Preprocessor's own scaling and mean subtraction stay in the IR, which takes values 0 to 255"
)
_LAYOUT = "the IR takes NHWC; change it where it is read: openvino.preprocess.PrePostProcessor"
_SHAPES = "--input_shape states the only shape"
_CONFIGURATION = "edit the configuration itself, and name it: --transformations_config FILE"


def _no_effect(*names: str, takes_value: bool = False) -> Flag:
    return Flag(names, takes_value)


def _refused(*names: str, instead: str, takes_value: bool = True, allowed: tuple[str, ...] = ()) -> Flag:
    return Flag(names, takes_value, instead, allowed)


FLAGS = (
    _no_effect("--log_level", takes_value=True),
    _no_effect("--silent"),
    _no_effect("--progress"),
    _no_effect("--stream_output"),
    _no_effect("--disable_fusing"),
    _no_effect("--disable_gfusing"),
    _no_effect("--disable_resnet_optimization"),
    _no_effect("--finegrain_fusing", takes_value=True),
    _no_effect("--enable_concat_optimization"),
    _no_effect("--disable_nhwc_to_nchw"),
    _no_effect("--disable_weights_compression"),
    _no_effect("--keep_shape_ops"),
    _no_effect("--static_shape"),
    _no_effect("--use_new_frontend"),
    _no_effect("--use_legacy_frontend"),
    _no_effect("--legacy_ir_generation"),
    _no_effect("--blobs_as_inputs"),
    _refused("--framework", instead=_OTHER_FRAMEWORK, allowed=("tf",)),
    _refused(
        "--input",
        instead="the image input is found by the Preprocessor that reads it",
        allowed=("image_tensor", "input_tensor"),
    ),
    _refused("--saved_model_tags", instead="the SavedModel's tag serve is taken", allowed=("serve",)),
    _refused("--mean_values", "-ms", instead=_IN_THE_GRAPH),
    _refused("--scale_values", instead=_IN_THE_GRAPH),
    _refused("--scale", "-s", instead=_IN_THE_GRAPH),
    _refused("--move_to_preprocess", instead=_IN_THE_GRAPH, takes_value=False),
    _refused("--layout", instead=_LAYOUT),
    _refused("--source_layout", instead=_LAYOUT),
    _refused("--target_layout", instead=_LAYOUT),
    _refused("--transform", instead="the IR has no state and one precision: --data_type"),
    _refused("--freeze_placeholder_with_value", instead="an SSD has one placeholder, its image"),
    _refused(
        "--input_model_is_text",
        instead="write the graph in binary form: tf.io.write_graph(…, as_text=False)",
        takes_value=False,
    ),
    _refused("--input_checkpoint", instead="freeze it first: ck run program:export-frozen-graph"),
    _refused("--input_meta_graph", instead="freeze its checkpoint first: ck run program:export-frozen-graph"),
    _refused("--tensorflow_custom_operations_config_update", instead=_CONFIGURATION),
    _refused("--tensorflow_subgraph_patterns", instead=_CONFIGURATION),
    _refused("--tensorflow_operation_patterns", instead=_CONFIGURATION),
    _refused(
        "--offload_unsupported_operations_to_tf",
        instead="nothing runs in TensorFlow behind an IR",
        takes_value=False,
    ),
    _refused("--tensorflow_custom_layer_libraries", instead="write a replacer: --extensions DIR"),
    _refused("--tensorboard_logdir", instead="--dump DIR writes the edited graph and drawings"),
    _refused("--generate_deprecated_IR_V2", instead="OpenVINO 2026 reads no such IR", takes_value=False),
    _refused("--generate_deprecated_IR_V7", instead="OpenVINO 2026 reads no such IR", takes_value=False),
    _refused("--generate_experimental_IR_V10", instead="the IR is of version 11", takes_value=False),
    _refused("--keep_quantize_ops_in_IR", instead="FakeQuantize stays where the graph has it"),
    *(
        _refused(*names, instead=_OTHER_FRAMEWORK, takes_value=value)
        for names, value in (
            (("--input_proto",), True),
            (("--caffe_parser_path",), True),
            (("-k",), True),
            (("--mean_file", "-mf"), True),
            (("--mean_file_offsets", "-mo"), True),
            (("--disable_omitting_optional",), False),
            (("--enable_flattening_nested_params",), False),
            (("--input_symbol",), True),
            (("--nd_prefix_name",), True),
            (("--pretrained_model_name",), True),
            (("--save_params_from_nd",), False),
            (("--legacy_mxnet_model",), False),
            (("--enable_ssd_gluoncv",), False),
            (("--counts",), True),
            (("--remove_output_softmax",), False),
            (("--remove_memory",), False),
        )
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them, unseen by --help."""
    for flag in FLAGS:
        parser.add_argument(
            *flag.names,
            dest=DEST,
            action=_Given,
            nargs=None if flag.takes_value else 0,
            default=[],
            help=argparse.SUPPRESS,
        )


class _Given(argparse.Action):
    """Notes a flag that was given, with its value."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option: str | None = None,
    ) -> None:
        given = [*getattr(namespace, DEST), (option, values if isinstance(values, str) else "")]
        setattr(namespace, DEST, given)


def notes_on(given: Iterable[tuple[str, str]]) -> list[str]:
    """Return what to say of flags that were given.

    Raises
    ------
    UsageError
        For the first one that asks for something else than what is done; says what to use instead.
    """
    known = {name: flag for flag in FLAGS for name in flag.names}
    notes = []
    for name, value in given:
        flag = known[name]
        if flag.instead is not None and value not in flag.allowed:
            raise UsageError(
                "A flag of Model Optimizer that this command does not have",
                where=f"{name} {value}".strip(),
                expected=f"{name} {' or '.join(flag.allowed)}" if flag.allowed else None,
                advice=flag.instead,
            )
        if flag.instead is None:
            notes.append(f"{name} has no effect")
    return notes


def take_out(flags: Mapping[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Part flags by name (without dashes) into this project's own and these, for a program's variables."""
    known = {name.lstrip("-").lower(): name for flag in FLAGS for name in flag.names if name.startswith("--")}
    others = [(known[name], value) for name, value in flags.items() if name in known]
    return {name: value for name, value in flags.items() if name not in known}, others
