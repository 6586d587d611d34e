"""Parts of a run: any number of them, merged in any order, are the run; what does not fit is refused."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError, UsageError, VerificationError
from ckssd.measure.merging import Places, merge, score_merged
from ckssd.measure.parts import Part, as_bytes, from_bytes, read_part
from ckssd.measure.program import main
from ckssd.measure.record import DETECTIONS_FILE, TIMER_FILE
from ckssd.measure.result import BenchmarkResult
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_environment
from ckssd.measure.shards import Shard, shard
from tests.measure.conftest import IMAGES, Bench, make_bench


@given(st.integers(1, 60), st.integers(0, 400))
def test_shards_have_every_image_once_in_order_and_are_of_equal_size(of: int, more: int) -> None:
    images = of + more
    bounds = [Shard(number, of).bounds(images) for number in range(1, of + 1)]
    assert [bounds[0][0], *(end for _, end in bounds)] == [*(begin for begin, _ in bounds), images]
    sizes = {end - begin for begin, end in bounds}
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1


def test_more_parts_than_images_are_refused() -> None:
    with pytest.raises(UsageError, match=r"more parts than images: CK_SHARD=1/9 \(expected at most 8\)"):
        Shard(1, 9).bounds(8)


@given(st.integers(1, 9999999), st.integers(1, 9999999), st.sampled_from(["", " ", "\t"]))
def test_a_shard_is_k_of_n(first: int, second: int, space: str) -> None:
    number, of = sorted((first, second))
    assert shard("CK_SHARD", f"{space}{number}/{of}{space}") == Shard(number, of)
    assert shard("CK_SHARD", str(Shard(number, of))) == Shard(number, of)
    assert shard("shard", {"number": number, "of": of}) == Shard(number, of)


@given(st.text() | st.from_regex(r"\A-?[0-9]{0,3}[/ ]+-?[0-9]{0,3}\Z") | st.none() | st.integers())
def test_anything_else_is_refused_in_one_line(text: object) -> None:
    try:
        found = shard("CK_SHARD", text)
    except UsageError as error:
        assert re.match(r"CK_SHARD has no value that can be used[^\n]*\Z", str(error))  # noqa: PT017
    else:
        assert str(text).strip().split("/") == [f"{int(n):0{len(n)}}" for n in str(text).strip().split("/")]
        assert 1 <= found.number <= found.of


def run_parts(bench: Bench, of: int, **variables: str) -> list[Path]:
    """Run every part as CK does, each in a folder of its own."""
    paths = []
    for number in range(1, of + 1):
        folder = bench.folder / f"{number} of {of}"
        folder.mkdir()
        run = {"CK_SHARD": f"{number}/{of}", "CK_PART": str(folder / "found.part"), **variables}
        assert main({**bench.environment, **run}, folder) == 0
        timer = json.loads((folder / TIMER_FILE).read_text())
        assert "mAP" not in timer
        assert timer["shard"] == f"{number}/{of}"
        assert not (folder / DETECTIONS_FILE).exists()
        paths.append(folder / "found.part")
    return paths


def merged(paths: Sequence[Path], bench: Bench, places: Places | None = None) -> BenchmarkResult:
    made = merge([read_part(path) for path in paths], paths)
    return score_merged(made, Path(bench.environment["CK_ENV_TOOL_COCO_PYTHON_FILE"]), places or Places())


@pytest.mark.parametrize("of", [1, 3, 8])
def test_merged_parts_are_the_whole_run(bench: Bench, of: int) -> None:
    whole = run_benchmark(from_environment({**bench.environment, "CK_HOST_CPU_NUMBER_OF_PROCESSORS": "1"}))
    paths = run_parts(bench, of)
    random.Random(of).shuffle(paths)
    result = merged(paths, bench)
    assert list(result.detections) == list(whole.detections)
    assert result.detections.sha256() == whole.detections.sha256()
    assert result.metrics == whole.metrics
    assert result.image_times()["image_ids"] == whole.image_times()["image_ids"]
    ours, theirs = result.settings.as_dict(), whole.settings.as_dict()
    different = {name for name in theirs if ours[name] != theirs[name]}
    assert different <= {"machine", "threads"}
    assert len(result.times.detect) == IMAGES
    assert {name: len(each) for name, each in result.times.parts.items()} == {
        name: len(each) for name, each in whole.times.parts.items()
    }


def test_parts_of_a_choice_of_images_leave_out_what_cannot_be_read(bench: Bench) -> None:
    (bench.images / "b3.png").write_text("no image")
    chosen = {"CK_SKIP_IMAGES": "1", "CK_BATCH_COUNT": "6", "CK_SKIP_BAD_IMAGES": "yes"}
    whole = run_benchmark(from_environment({**bench.environment, **chosen}))
    result = merged(run_parts(bench, 2, **chosen), bench)
    assert result.detections.sha256() == whole.detections.sha256()
    assert (result.settings.images, result.settings.images_unreadable) == (5, 1)
    (note,) = (note for note in result.notes if "cannot be read" in note)
    assert note in whole.notes
    assert note.startswith("1 of 6 images")


def test_a_part_that_fails_leaves_none(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = run_parts(bench, 1)
    (bench.images / "b3.png").write_text("no image")
    assert main({**bench.environment, "CK_PART": str(path)}, bench.folder) == 3
    assert "FAILED: 1 of 8 images cannot be read" in capsys.readouterr().err
    assert not path.exists()
    assert not (bench.folder / TIMER_FILE).exists()


def test_a_shard_without_a_place_for_what_it_finds_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"no metrics of its own: CK_SHARD=1/2; .*--part FILE, CK_PART=FILE"):
        from_environment({**bench.environment, "CK_SHARD": "1/2"})
    for place in (bench.folder, bench.folder / "gone" / "x.part"):
        with pytest.raises(UsageError, match="CK_PART has no value that can be used"):
            from_environment({**bench.environment, "CK_PART": str(place)})


@pytest.fixture(scope="module")
def of_four(tmp_path_factory: pytest.TempPathFactory) -> list[Part]:
    bench = make_bench(tmp_path_factory.mktemp("parts"))
    return [read_part(path) for path in run_parts(bench, 4)]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_only_a_complete_set_of_parts_is_merged(of_four: list[Part], chosen: list[int]) -> None:
    parts = [of_four[index] for index in chosen]
    if sorted(chosen) == [0, 1, 2, 3]:
        assert merge(parts, chosen).run.images == IMAGES
        return
    with pytest.raises(InputError) as caught:
        merge(parts, chosen)
    if len(set(chosen)) < len(chosen):
        assert "A part is there twice" in str(caught.value)
    else:
        missing = [f"{index + 1}/4" for index in range(4) if index not in chosen]
        assert f"no {', '.join(missing)}" in str(caught.value)


def refused(parts: Sequence[Part], said: str, kind: type[CkssdError] = InputError) -> None:
    with pytest.raises(kind, match=said):
        merge(parts, [f"{place}.part" for place in range(len(parts))])


@pytest.mark.parametrize(
    "changed",
    [
        {"model_sha256": "0" * 64},
        {"annotations_sha256": "0" * 64},
        {"resize_method": "opencv"},
        {"metric": "voc"},
        {"versions": {"numpy": "1"}},
        {"images_skipped": 1},
        {"mode": "latency"},
    ],
    ids=str,
)
def test_parts_of_other_runs_are_refused_by_the_name_of_what_differs(
    of_four: list[Part], changed: dict[str, object]
) -> None:
    (name,) = changed
    other = replace(of_four[2], run=replace(of_four[2].run, **changed))  # type: ignore[arg-type]
    refused(
        [*of_four[:2], other, of_four[3]], rf"different runs: {name} is another: 2\.part \(expected .*0\.part"
    )


def test_parts_of_another_number_or_selection_are_refused(of_four: list[Part]) -> None:
    refused([*of_four[:3], replace(of_four[3], shard=Shard(4, 5))], "parts is another")
    refused([*of_four[:3], replace(of_four[3], whole=9)], "images of the run is another")
    twin = replace(of_four[3], images=of_four[2].images)
    refused([*of_four[:3], twin], r"do not have every image once \(expected 8 images, got image \d+ twice\)")
    less = replace(of_four[3], images=(), lengths=(), records=of_four[3].records[:0])
    refused([*of_four[:3], less], "got 6 images")


def test_threads_and_processors_may_differ_and_are_said(of_four: list[Part]) -> None:
    run = replace(of_four[0].run, threads=64, machine={**of_four[0].run.machine, "cpu": "Another"})
    notes = merge([replace(of_four[0], run=run), *of_four[1:]], range(4)).notes
    assert "the parts ran with 2 to 64 threads" in notes
    assert any("different processors (" in note and "Another" in note for note in notes)


def test_what_a_part_alone_notes_is_said_with_its_number(of_four: list[Part]) -> None:
    parts = [replace(part, notes=("for all",)) for part in of_four]
    parts[1] = replace(parts[1], notes=("for all", "of one"))
    assert merge(parts, range(4)).notes[:2] == ("for all", "part 2/4: of one")


def test_changed_annotations_are_refused_and_moved_ones_are_named(bench: Bench) -> None:
    paths = run_parts(bench, 2)
    moved = bench.annotations.rename(bench.folder / "moved.json")
    with pytest.raises(InputError, match=r"is not here: .*instances\.json; --annotations FILE"):
        merged(paths, bench)
    assert merged(paths, bench, Places(moved)).mean_average_precision > 0
    moved.write_text(moved.read_text() + "\n")
    with pytest.raises(VerificationError, match="not the one that the parts ran with"):
        merged(paths, bench, Places(moved))


def test_a_hierarchy_is_of_the_parts_too(bench: Bench) -> None:
    tree = bench.folder / "tree.json"
    tree.write_text(
        json.dumps({"Subcategory": [{"LabelName": "ring", "Subcategory": [{"LabelName": "star"}]}]})
    )
    variables = {"CK_METRIC_TYPE": "oid", "CK_OID_HIERARCHY": str(tree), "CK_OID_EXPAND": "both"}
    whole = run_benchmark(from_environment({**bench.environment, **variables}))
    paths = run_parts(bench, 2, **variables)
    result = merged(paths, bench)
    assert result.metrics == whole.metrics
    assert (result.settings.hierarchy, result.settings.expand) == (whole.settings.hierarchy, "both")
    tree.write_text("{}")
    with pytest.raises(VerificationError, match=r"tree\.json"):
        merged(paths, bench)


def test_a_part_is_read_as_it_was_written(of_four: list[Part]) -> None:
    again = from_bytes(as_bytes(of_four[1]), "again")
    assert (again.records == of_four[1].records).all()
    others = [field.name for field in fields(Part) if field.name != "records"]
    assert [getattr(again, name) for name in others] == [getattr(of_four[1], name) for name in others]


@given(st.data())
def test_a_damaged_part_is_one_clear_error(of_four: list[Part], data: st.DataObject) -> None:
    content = bytearray(as_bytes(of_four[0]))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = from_bytes(bytes(content), "x.part")
    except InputError as error:
        said = str(error)
        assert "This is no part of a run, or a damaged one: x.part" in said
    else:  # a bit of the archive that says nothing, a date for instance
        assert (found.records == of_four[0].records).all()
        assert found.run == of_four[0].run


def test_what_is_no_file_of_ours_is_no_part(tmp_path: Path) -> None:
    for place, said in ((tmp_path / "none", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(InputError, match=said):
            read_part(place)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="no part of a run"):
        read_part(tmp_path / "text")


@pytest.mark.parametrize("content", [b"", b"vm\n", b"PK", b"\x80\x04N."])
def test_another_file_is_no_part_and_nobody_is_told_to_trust_it(content: bytes) -> None:
    with pytest.raises(InputError, match=r"no part of a run.*another kind of file") as caught:
        from_bytes(content, "x.part")
    assert "trust" not in str(caught.value)
