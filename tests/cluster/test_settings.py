"""How a cluster is named; an address's secrets go nowhere; what is none of many machines is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.cluster.job import make_job, source_archive
from ckssd.cluster.kept import RUN, begin, resume
from ckssd.cluster.settings import (
    ENTRY,
    ClusterSettings,
    check_run,
    from_environment,
    image_source,
    ray_python,
)
from ckssd.coco.image_address import VARIABLE as IMAGE_ADDRESS
from ckssd.errors import InputError, NotInstalledError, UsageError
from ckssd.json_file import write_json
from ckssd.measure import settings as benchmark_settings
from ckssd.measure.parts import as_bytes, part_of
from ckssd.measure.run import detect_data_set
from ckssd.secrets import given
from tests.measure.conftest import Bench, bench

__all__ = ["bench"]


@pytest.mark.parametrize("address", ["ray", "ray://10.0.0.1:10001", "head.example:6379", "[::1]"])
def test_an_address_is_rays(address: str) -> None:
    if address.startswith("["):
        with pytest.raises(UsageError, match="CK_CLUSTER has no value that can be used"):
            from_environment({"CK_CLUSTER": address})
        return
    found = from_environment({"CK_CLUSTER": f" {address} "})
    assert found is not None
    assert (found.address, found.reach) == (address, address)


@pytest.mark.parametrize("address", ["", " "])
def test_without_an_address_there_is_no_cluster(address: str) -> None:
    assert from_environment({"CK_CLUSTER": address, "CK_CLUSTER_BATCH": "x"}) is None


@pytest.mark.parametrize(
    "address",
    [
        "yes",
        "dask",
        "http://a:1",
        "ray://a",
        "a:b",
        "ray://u:swordfish@a",
        "a:1 b",
        "u:swordfish@a:1",
        "a:1?token=swordfish",
    ],
)
def test_other_words_are_refused_without_their_secrets(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_environment({"CK_CLUSTER": address})
    assert "CK_CLUSTER" in str(caught.value)
    assert "ray://HOST:10001, or HOST:6379" in str(caught.value), "what is expected is no secret"
    assert "swordfish" not in str(caught.value)


def test_a_token_in_an_address_reaches_ray_and_nothing_else() -> None:
    found = from_environment({"CK_CLUSTER": "ray://me:swordfish@head:10001?token=0123456789abcdef"})
    assert found is not None
    assert found.address == "ray://head:10001"
    assert found.reach == "ray://me:swordfish@head:10001?token=0123456789abcdef"
    assert "swordfish" not in repr(found)
    assert "0123456789abcdef" not in repr(found)


@pytest.mark.parametrize(
    ("said", "images"),
    [
        (" Sent ", "sent"),
        ("ENTRY", "entry"),
        ("http://images.example/val2017/", "http://images.example/val2017/"),
        ("https://h:8443/a b/", None),
        ("https://me:swordfish@h/a/?token=0123456789abcdef", "https://h/a/"),
        ("s3://bucket/", "s3://bucket/"),
        ("gs://bucket/a/b/", "gs://bucket/a/b/"),
        ("file:///shared/a b/", "file:///shared/a b/"),
        ("https://h/a", None),
        ("https://me:swordfish@h", None),
        ("https://me:swordfish@h/a.jpg?token=swordfish", None),
        ("http:///a/", None),
        ("https://h/a/#swordfish=", None),
        ("s3://bucket/?sig=swordfish", None),
        ("s3://key:swordfish@bucket/a/", None),
        ("s3:/bucket/", None),
        ("/shared/images/", None),
    ],
)
def test_pictures_are_shared_sent_or_at_the_address_of_a_folder(said: str, images: str | None) -> None:
    variables = {"CK_CLUSTER": "ray", "CK_CLUSTER_IMAGES": said}
    if images is None:
        with pytest.raises(UsageError) as caught:
            from_environment(variables)
        assert "CK_CLUSTER_IMAGES" in str(caught.value)
        assert "swordfish" not in str(caught.value)
        return
    found = from_environment(variables)
    assert found is not None
    assert found.images == images
    assert given(found.images) == (said if "://" in said else images), "for the nodes it has its secrets"


def test_an_address_is_that_of_the_data_set_s_entry(bench: Bench) -> None:
    cluster = ClusterSettings("ray", images=ENTRY)
    without = benchmark_settings.from_environment(bench.environment)
    with pytest.raises(UsageError, match=r"entry does not say.*--cluster-images ADDRESS.*--image-address"):
        check_run(cluster, without)
    variables = {**bench.environment, IMAGE_ADDRESS: "http://images.example/val2017/"}
    settings = benchmark_settings.from_environment(variables)
    assert image_source(cluster, settings) == "http://images.example/val2017/"
    assert image_source(ClusterSettings("ray"), settings) is None
    python = Path("python")
    assert make_job(settings, python).id == make_job(without, python).id, "the same run, whatever its way"
    with pytest.raises(UsageError, match="has no secrets") as caught:
        benchmark_settings.from_environment({**variables, IMAGE_ADDRESS: "http://me:swordfish@h/"})
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize(
    "variables",
    [
        {"CK_CLUSTER_BATCH": "0"},
        {"CK_CLUSTER_DEADLINE": "0"},
        {"CK_CLUSTER_IMAGES": "copied"},
        {"CK_CLUSTER_RESUME": "perhaps"},
        {"CK_CLUSTER_RESUME": "yes"},
    ],
    ids=str,
)
def test_bad_values_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        from_environment({"CK_CLUSTER": "ray", **variables})


def test_ray_that_is_not_installed_is_said_with_the_command() -> None:
    with pytest.raises(NotInstalledError, match="ckssd install --tags=lib,ray"):
        ray_python({})


@pytest.mark.parametrize(
    "variables",
    [{"CK_MODE": "latency"}, {"CK_PREPROCESSED_CACHE": "kept"}, {"CK_PART": "x.part"}],
    ids=str,
)
def test_what_is_of_one_machine_is_refused(
    bench: Bench, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.folder)
    settings = benchmark_settings.from_environment({**bench.environment, **variables})
    with pytest.raises(UsageError, match=next(iter(variables))):
        check_run(ClusterSettings("ray"), settings)


def test_what_travels_is_known_by_its_content(bench: Bench) -> None:
    settings = benchmark_settings.from_environment(bench.environment)
    python = Path("/usr/bin/python3")
    job = make_job(settings, python)
    assert set(job.contents) == {
        *("model/detect_regular_nms.tflite", "labels/labelmap.pbtxt", "annotations/instances.json", "src")
    }
    assert source_archive() == job.contents["src"]
    assert make_job(settings, python).id == job.id
    bench.annotations.write_text(bench.annotations.read_text() + " ")
    assert make_job(settings, python).id != job.id


def test_a_folder_keeps_what_is_finished_of_one_run(bench: Bench, tmp_path: Path) -> None:
    settings = benchmark_settings.from_environment(bench.environment)
    job = make_job(settings, Path("python"))
    with pytest.raises(InputError, match="no run to go on with"):
        resume(tmp_path, job)
    run = begin(tmp_path, job, 2)
    with pytest.raises(UsageError, match="The folder has a run"):
        begin(tmp_path, job, 2)
    half = benchmark_settings.from_environment({**bench.environment, "CK_SHARD": "2/2", "CK_PART": "x.part"})
    content = as_bytes(part_of(half, detect_data_set(half)))
    with pytest.raises(InputError, match=r"A batch is another.*expected 1/2, got 2/2"):
        run.keep(0, content)
    run.keep(1, content)
    again = resume(tmp_path, job)
    assert again == run
    assert list(again.finished()) == [1]
    run.path(0).write_bytes(content[:100])
    assert list(again.finished()) == [1]
    assert not run.path(0).exists(), "it is run again"
    write_json(tmp_path / RUN, {"job": "another", "batches": 2})
    with pytest.raises(InputError, match="The folder has another run"):
        resume(tmp_path, job)
