"""What the Object Detection API of 2019/2020 expects of TensorFlow, for TensorFlow 1.11 to 2.x.

Copied into ``object_detection/`` when that package is installed; its modules then say
``from object_detection.ckssd_compat import tf``. On TensorFlow 1 that is TensorFlow itself. On TensorFlow 2
it is ``tensorflow.compat.v1`` with stand-ins for the removed parts (``contrib``, ``graph_transforms``).
The API of 2022 asks TensorFlow itself which of the two it is: its TensorFlow 1 programs begin with this.
Stands alone: Python 3.6 or later, nothing but TensorFlow, tf-slim and protobuf.
"""
# mypy: ignore-errors

import os
import sys
import types

# The API's Keras classes are Keras 2 classes; the variable must be set before TensorFlow is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as _tensorflow


class _Absent(types.ModuleType):
    """A removed part that can be imported by name; use of it says which TensorFlow has it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{self.__name__}.{name} is not in TensorFlow {_tensorflow.__version__}; "
            "this model needs TensorFlow 1.13 to 1.15"
        )


class _Contrib(_Absent):
    """``tf.contrib``: its living parts are imported when they are first used."""

    def __getattr__(self, name):
        maker = _CONTRIB_PARTS.get(name)
        if maker is None:
            return super().__getattr__(name)
        part = maker()
        setattr(self, name, part)
        return part


class _TensorFlow1(types.ModuleType):
    """``tf`` as the API's modules know it: names of ``tensorflow.compat.v1`` and ``contrib``."""

    def __getattr__(self, name):
        return getattr(_tensorflow.compat.v1, name)


def _module(name, base=types.ModuleType, **attributes):
    """Register a module under a name that TensorFlow no longer has; a real one is left alone."""
    if name in sys.modules:
        return sys.modules[name]
    module = base(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def _legacy_layers():
    """Let tf-slim find its layers: tf_keras keeps them under ``src`` and TensorFlow looks for them above."""
    import importlib

    try:
        package = importlib.import_module("tf_keras.src.legacy_tf_layers")
    except ImportError:  # tf_keras has another layout: what TensorFlow finds by itself must do
        return
    _module("tf_keras.legacy_tf_layers", __path__=list(package.__path__))
    for name in ("base", "convolutional", "core", "normalization", "pooling"):
        layer = importlib.import_module("tf_keras.src.legacy_tf_layers." + name)
        sys.modules.setdefault("tf_keras.legacy_tf_layers." + name, layer)


def _slim():
    import tf_slim

    return tf_slim


def _layers():
    import importlib

    # Not the attribute: inside tf_slim that name is taken by the module layers.layers.
    return importlib.import_module("tf_slim.layers")


def _framework():
    import tf_slim

    return _module(
        "tensorflow.contrib.framework",
        _Absent,
        arg_scope=tf_slim.arg_scope,
        add_arg_scope=tf_slim.add_arg_scope,
        filter_variables=tf_slim.filter_variables,
        get_variables=tf_slim.get_variables,
        model_variable=tf_slim.model_variable,
        deprecated=lambda *_unused: lambda function: function,
        is_tensor=_tensorflow.is_tensor,
    )


def _tfprof():
    profiler = _tensorflow.compat.v1.profiler
    options = profiler.ProfileOptionBuilder
    analyzer = _module(
        "tensorflow.contrib.tfprof.model_analyzer",
        _Absent,
        TRAINABLE_VARS_PARAMS_STAT_OPTIONS=options.trainable_variables_parameter(),
        FLOAT_OPS_OPTIONS=options.float_operation(),
        print_model_analysis=lambda graph, tfprof_options: profiler.profile(graph, options=tfprof_options),
    )
    return _module("tensorflow.contrib.tfprof", _Absent, model_analyzer=analyzer)


def _lookup():
    from tensorflow.python.ops import lookup_ops

    return lookup_ops


_CONTRIB_PARTS = {
    "framework": _framework,
    "layers": _layers,
    "lookup": _lookup,
    "slim": _slim,
    "tfprof": _tfprof,
}


def transform_graph(graph_def, inputs, outputs, transforms):
    """``TransformGraph`` for the one transform that the exporter uses.

    ``strip_unused_nodes`` without inputs keeps exactly the nodes that the outputs depend on.
    """
    if list(transforms) != ["strip_unused_nodes"] or inputs:
        raise NotImplementedError(f"graph transforms {transforms} with inputs {inputs}")
    return _tensorflow.compat.v1.graph_util.extract_sub_graph(graph_def, list(outputs))


def _graph_matcher(parent):
    from object_detection import ckssd_matcher

    sys.modules["tensorflow.contrib.quantize.python.graph_matcher"] = ckssd_matcher
    parent.graph_matcher = ckssd_matcher


def _tensorflow_1_from_2():
    _tensorflow.compat.v1.disable_v2_behavior()
    _legacy_layers()
    contrib = _module("tensorflow.contrib", _Contrib)
    for parts in ("quantize.python", "image.python.ops.image_ops", "tpu"):
        parent, name = contrib, "tensorflow.contrib"
        for part in parts.split("."):
            name += "." + part
            child = _module(name, _Absent)
            setattr(parent, part, child)
            parent = child
    _graph_matcher(contrib.quantize.python)
    _module("tensorflow.tools.graph_transforms", TransformGraph=transform_graph)
    return _TensorFlow1("tensorflow", "TensorFlow 1 as TensorFlow 2 still has it."), contrib


if int(_tensorflow.__version__.split(".")[0]) < 2:
    tf = _tensorflow
else:
    tf, _contrib = _tensorflow_1_from_2()
    tf.contrib = _contrib
