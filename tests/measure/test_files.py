"""Which files make up a model: a byte of any of them makes it another model in every record."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ckssd.detect.backends import open_backend
from ckssd.errors import InputError
from ckssd.measure.compare import Contender, compare, measure_in_turn
from ckssd.measure.comparison_table import table
from ckssd.measure.files import BLOCK_BYTES, HashedFile, hash_file, hash_model
from ckssd.measure.program import main
from ckssd.measure.record import FAILURE_FILE
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.summary import summary
from tests.detect.test_openvino import META, write_ir
from tests.measure.conftest import Bench
from tests.measure.test_backends import as_openvino, as_tensorflow


def change_one_byte(path: Path) -> None:
    """Flip the lowest bit of the first byte: of an IR made by write_ir, the image id 0 of the first row."""
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def record(settings: BenchmarkSettings, **changed: Any) -> dict[str, Any]:
    """A run as other programs read it."""
    read: dict[str, Any] = json.loads(json.dumps(run_benchmark(replace(settings, **changed)).as_timer()))
    return read


@pytest.mark.parametrize("sizes", [(0,), (1,), (BLOCK_BYTES,), (BLOCK_BYTES + 1, 0, 3)])
def test_a_models_hash_is_of_all_its_bytes(folder: Path, sizes: tuple[int, ...]) -> None:
    paths = [folder / f"part {number}" for number in range(len(sizes))]
    contents = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    model = hash_model(paths)
    assert model.sha256 == hashlib.sha256(b"".join(contents)).hexdigest()
    assert model.bytes == sum(sizes)
    assert model.files == tuple(
        HashedFile(path.name, len(content), hashlib.sha256(content).hexdigest())
        for path, content in zip(paths, contents, strict=True)
    )


def test_a_file_is_never_in_memory_as_a_whole(folder: Path) -> None:
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(40 * BLOCK_BYTES)
    tracemalloc.start()
    try:
        assert hash_file(path).bytes == 40 * BLOCK_BYTES
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * BLOCK_BYTES


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*/gone\.bin \(got No such file or directory\)"):
        hash_file(folder / "gone.bin")


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_both_files_of_an_ir_are_recorded(bench: Bench, precision: str) -> None:
    environment = as_openvino(bench)
    if precision == "int8":
        write_ir(bench.model, meta={**META, "precision": "int8"})
    settings = run_benchmark(from_environment(environment)).settings
    network, weights = (bench.model / name for name in ("model.xml", "model.bin"))
    assert settings.precision == precision
    assert settings.model_files == (hash_file(network), hash_file(weights))
    assert settings.model_bytes == network.stat().st_size + weights.stat().st_size
    whole = network.read_bytes() + weights.read_bytes()
    assert settings.model_sha256 == hashlib.sha256(whole).hexdigest()


def test_one_byte_of_the_weights_makes_another_model(bench: Bench) -> None:
    settings = from_environment(as_openvino(bench))
    before = run_benchmark(settings)
    change_one_byte(bench.model / "model.bin")
    after = run_benchmark(settings)
    assert list(after.detections) == list(before.detections), "only the record can tell them apart"
    network, weights = after.settings.model_files
    assert network == before.settings.model_files[0]
    assert weights.sha256 != before.settings.model_files[1].sha256
    assert after.settings.model_sha256 != before.settings.model_sha256
    for result in (before, after):
        shown = ", ".join(
            f"{file.name} ({file.bytes} bytes) sha256 {file.sha256}" for file in result.settings.model_files
        )
        assert f"Model: {shown}" in summary(result).splitlines()


def test_a_comparison_tells_models_with_other_weights_apart(bench: Bench) -> None:
    settings = from_environment(as_openvino(bench))
    one, other = (Contender(f"openvino {name}", "openvino", name) for name in ("one", "other"))
    records = {one: record(settings)}
    change_one_byte(bench.model / "model.bin")
    records[other] = record(settings)
    comparison = compare(measure_in_turn([one, other], 1, lambda contender, _: records[contender]))
    for contender, found in records.items():
        own = comparison.different[contender.name]
        assert set(own) == {"model_files", "model_sha256"}
        assert own["model_files"] == found["settings"]["model_files"]
        _, weights = own["model_files"]
        assert f", model.bin ({weights['bytes']} bytes) sha256 {weights['sha256']}\n" in table(comparison)
    json.dumps(asdict(comparison))


def test_a_frozen_graph_is_one_file(bench: Bench) -> None:
    settings = from_environment(as_tensorflow(bench))
    assert open_backend(settings.model).files == (settings.model.file,)


def test_missing_weights_are_named_before_anything_runs(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = as_openvino(bench)
    settings = from_environment(environment)
    (bench.model / "model.bin").unlink()
    work = tmp_path / "work"
    work.mkdir()
    assert main(environment, work) == InputError.exit_code
    line = capsys.readouterr().err
    assert line.startswith(f"FAILED: The IR's weights are missing: {bench.model / 'model.bin'}; ")
    assert line.count("\n") == 1
    assert [path.name for path in work.iterdir()] == [FAILURE_FILE]

    # Settings that come from a file name the model without a look at it.
    (bench.images / "b7.png").write_text("no image, and the first one by id")
    with pytest.raises(InputError, match=r"weights are missing: .*model\.bin"):
        run_benchmark(settings)
