"""The seeded checkpoint's pure parts: what is drawn is the same everywhere, and the scaling is exact."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ckssd.errors import InputError, UsageError
from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.seeded import make_seeded_checkpoint
from tests.support.inside import load_inside

ENTRIES = sorted((Path(__file__).parents[2] / "package").glob("model-tf-*-seeded"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_inside("seeded_checkpoint")


def test_weights_are_he_normal_and_depend_on_seed_and_name(script: ModuleType) -> None:
    shape = [3, 3, 64, 128]
    drawn = script.initial_value("a/weights", shape, np.float32, 1)
    assert drawn.dtype == np.float32
    assert drawn.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.01)
    assert abs(drawn.mean()) < 1e-3
    np.testing.assert_array_equal(drawn, script.initial_value("a/weights", shape, np.float32, 1))
    for name, seed in (("b/weights", 1), ("a/weights", 2)):
        assert not np.array_equal(drawn, script.initial_value(name, shape, np.float32, seed))


def test_depthwise_weights_have_the_fan_in_of_one_channel(script: ModuleType) -> None:
    drawn = script.initial_value("a/depthwise_weights", [3, 3, 2048, 1], np.float32, 1)
    assert drawn.std() == pytest.approx(np.sqrt(2 / 9), rel=0.02)


def test_pointwise_weights_of_a_separable_convolution_are_drawn(script: ModuleType) -> None:
    drawn = script.initial_value("a/pointwise_weights", [1, 1, 24, 640], np.float32, 1)
    assert drawn.std() == pytest.approx(np.sqrt(2 / 24), rel=0.03)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n/gamma", 1), ("n/beta", 0), ("n/moving_mean", 0), ("n/moving_variance", 0), ("global_step", 0)],
)
def test_other_variables_begin_neutral(script: ModuleType, name: str, value: int) -> None:
    assert (script.initial_value(name, [4], np.float32, 1) == value).all()


def test_images_have_structure_at_every_scale_and_are_pinned(script: ModuleType) -> None:
    image = script.noise_image(script.generator(2018, "image 0"), 300)
    assert image.shape == (300, 300, 3)
    assert image.dtype == np.uint8
    means = image.reshape(10, 30, 10, 30, 3).mean(axis=(1, 3))
    assert means.std() > 15, "large structures"
    assert np.abs(np.diff(image.astype(int), axis=1)).mean() > 1, "small ones"
    # The same bytes with every NumPy: the weights depend on them.
    assert hashlib.sha256(image.tobytes()).hexdigest()[:16] == "01343c3a6a5ee872"


def test_scaled_predictors_give_the_wanted_mean_and_deviation(script: ModuleType) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(5, 7, 11))  # images, positions, inputs
    weights = random.normal(size=(1, 1, 11, 2 * 3))
    outputs = (features @ weights[0, 0]).reshape(5, 7, 2, 3)
    std = np.array([0.5, 1.0, 2.0])
    scaled, biases = script.standardised(weights, outputs, -6.5, std)
    again = (features @ scaled[0, 0] + biases).reshape(5, 7, 2, 3)
    np.testing.assert_allclose(again.mean(axis=(0, 1)), np.full((2, 3), -6.5), atol=1e-9)
    np.testing.assert_allclose(again.std(axis=(0, 1)), np.broadcast_to(std, (2, 3)), atol=1e-9)


def test_predictors_are_scaled_map_by_map(script: ModuleType) -> None:
    random = np.random.default_rng(1)
    maps, per_position, columns = [4, 1], [2, 3], 5
    values = {}
    for index, count in enumerate(per_position):
        prefix = f"BoxPredictor_{index}/"
        values[prefix + "ClassPredictor/weights"] = random.normal(size=(1, 1, 6, count * columns))
        values[prefix + "BoxEncodingPredictor/weights"] = random.normal(size=(1, 1, 6, count * 4))
    anchors = sum(positions * count for positions, count in zip(maps, per_position))
    boxes, classes = random.normal(size=(8, anchors, 1, 4)), random.normal(size=(8, anchors, columns))
    script.scale_predictors(values, boxes, classes, maps)
    assert values["BoxPredictor_1/ClassPredictor/biases"].shape == (15,)
    wrong = [4, 2]
    with pytest.raises(SystemExit, match="anchors"):
        script.scale_predictors(values, boxes, classes, wrong)


@pytest.mark.parametrize("kind", ["weights", "pointwise_weights"])
def test_a_predictor_that_all_maps_share_is_scaled_over_all_of_them(script: ModuleType, kind: str) -> None:
    random = np.random.default_rng(1)
    maps, per_position, columns = [4, 1], 2, 5
    heads = {"ClassPredictor": columns, "BoxPredictor": 4}
    values = {
        f"{script.SHARED}{head}/{kind}": random.normal(size=(1, 1, 6, per_position * count))
        for head, count in heads.items()
    }
    drawn = {name: value.copy() for name, value in values.items()}
    anchors = sum(maps) * per_position
    boxes, classes = random.normal(size=(8, anchors, 4)), random.normal(size=(8, anchors, columns))
    script.scale_predictors(values, boxes, classes, maps)
    by_anchor = classes.reshape(8, sum(maps), per_position, columns)
    scale = script.CLASS_LOGIT_STD / by_anchor.std(axis=(0, 1)).reshape(-1)
    name = f"{script.SHARED}ClassPredictor/{kind}"
    np.testing.assert_allclose(values[name], drawn[name] * scale)
    assert values[f"{script.SHARED}BoxPredictor/biases"].shape == (per_position * 4,)


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too few images"):
        make_seeded_checkpoint(tmp_path, tmp_path, tmp_path, tmp_path, seed=1, images=1)


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pipeline\.config"):
        make_seeded_checkpoint(
            tmp_path, tmp_path, tmp_path / "pipeline.config", tmp_path / "out", seed=1, images=8
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_says_of_its_model_what_the_configuration_says(entry: Path) -> None:
    meta = json.loads((entry / ".cm" / "meta.json").read_text())
    pipeline = read_pipeline(entry / meta["ckssd"]["pipeline_config"])
    stated = {name.removeprefix("CK_ENV_TENSORFLOW_MODEL_"): value for name, value in meta["env"].items()}
    assert pipeline.number("model", "ssd", "num_classes") == int(stated["NUM_CLASSES"])
    assert pipeline.image_size() == (int(stated["IMAGE_HEIGHT"]), int(stated["IMAGE_WIDTH"]))
    assert pipeline.nms("iou_threshold") == float(stated["NMS_IOU_THRESHOLD"])
    assert pipeline.nms("max_total_detections") == int(stated["MAX_DETECTIONS"])
    network = pipeline.value("model", "ssd", "feature_extractor", "type")
    assert network is not None
    assert stated["MODEL_NAME"] == f"{network}_coco_seeded"
