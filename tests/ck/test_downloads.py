"""Packages that are downloads, by real ``ck`` commands from a local server with the published layout."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.recipes import Package
from ckssd.recipes.download import download
from tests.support.http_server import LocalServer, Page
from tests.support.sandbox import CHECKOUT, Sandbox

STEM = "ssd_mobilenet_v1_coco_2018_01_28"
TAGS = "model,tensorflow,mlperf,ssd-mobilenet,non-quantized"
FILES = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"


def archive(folder: str, files: dict[str, bytes]) -> bytes:
    """A gzipped tar with one leading folder, as the model zoo's are."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture(scope="module")
def checkpoint() -> bytes:
    names = [path.name for path in FILES.iterdir() if path.name != "labelmap.pbtxt"]
    return archive(STEM, {name: (FILES / name).read_bytes() for name in names})


def installed(sandbox: Sandbox) -> list[dict[str, object]]:
    items = json.loads(sandbox.ckssd("info", "--json").out)["data"]["installed"]
    return [item for item in items if "preset" not in item["tags"]]


def test_a_checkpoint_from_elsewhere_gives_every_variable_and_provenance_says_where_it_is_from(
    sandbox: Sandbox, server: LocalServer, checkpoint: bytes
) -> None:
    url = server.serve("models/somewhere.tar.gz", Page(checkpoint))
    digest = hashlib.sha256(checkpoint).hexdigest()
    options = (f"--env.PACKAGE_URL={url}", f"--env.PACKAGE_SHA256={digest}")
    done = sandbox.ck("install", "package", f"--tags={TAGS}", *options)
    assert done.code == 0, done.text
    (item,) = installed(sandbox)
    root = Path(str(item["location"]))
    provenance = json.loads((root / "provenance.json").read_text())
    assert provenance["sources"][0]["url"] == url
    assert provenance["sources"][0]["sha256"] == digest
    assert provenance["entry"]["options"] == {"PACKAGE_URL": url, "PACKAGE_SHA256": digest}
    assert (sandbox.cache / "sources" / "sha256" / digest).is_file(), "not in the user's own cache"
    prefix = "CK_ENV_TENSORFLOW_MODEL_"
    show = f'echo "${{{prefix}ROOT}}" && ls "$(dirname "${{{prefix}WEIGHTS_FILE}}")"'
    listed = sandbox.in_environment(TAGS, show).out.split()
    assert {"pipeline.config", "model.ckpt.index", "frozen_inference_graph.pb"} <= set(listed)
    variables = item["variables"]
    assert isinstance(variables, dict)
    assert variables[f"{prefix}WEIGHTS_FILE"] == f"{variables[f'{prefix}ROOT']}/model.ckpt"
    for name in ("PIPELINE_CONFIG", "FROZEN_GRAPH", "TF_FROZEN_FILEPATH", "LABELMAP_FILE"):
        assert Path(variables[prefix + name]).is_file()
    assert variables[f"{prefix}NUM_CLASSES"] == "90"


def test_a_file_with_another_hash_is_refused_and_nothing_is_left(
    sandbox: Sandbox, server: LocalServer, checkpoint: bytes
) -> None:
    url = server.serve("models/other.tar.gz", Page(checkpoint))
    options = (f"--env.PACKAGE_URL={url}", f"--env.PACKAGE_SHA256={'0' * 64}")
    done = sandbox.ck("install", "package", f"--tags={TAGS}", *options)
    assert done.code == 5
    assert "0" * 64 in done.text
    assert hashlib.sha256(checkpoint).hexdigest() in done.text
    assert installed(sandbox) == []
    assert not list((sandbox.folder / "tools").glob("model-*"))


def test_the_published_hash_is_what_a_mirror_has_to_match(sandbox: Sandbox, checkpoint: bytes) -> None:
    mirror = sandbox.folder / "mirror"
    mirror.mkdir()
    (mirror / f"{STEM}.tar.gz").write_bytes(checkpoint)
    done = sandbox.ck("install", "package", f"--tags={TAGS}", CKSSD_MIRROR=str(mirror), CKSSD_OFFLINE="1")
    assert done.code == 5, done.text
    assert "8788f89108519fd1102b8a5c2ac861cf6d86603571b6ce5bbd1c245b7fe005e3" in done.text


def test_offline_the_error_says_which_file_to_put_where(sandbox: Sandbox) -> None:
    done = sandbox.ck("install", "package", f"--tags={TAGS}", CKSSD_OFFLINE="1")
    assert done.code == 6
    assert sandbox.ckssd("install", f"--tags={TAGS}", CKSSD_OFFLINE="1").code == 6
    assert f"{STEM}.tar.gz" in done.text
    assert "8788f89108519fd1102b8a5c2ac861cf6d86603571b6ce5bbd1c245b7fe005e3" in done.text
    assert "CKSSD_MIRROR" in done.text


def test_a_file_without_a_public_hash_is_refused_unless_accepted_by_name(
    sandbox: Sandbox, shapes_tflite: Path
) -> None:
    name = "tflite_ssd_mobilenet_v1_coco_2018_01_28.tar.gz"
    names = ["detect_regular_nms.tflite", "detect_fast_nms.tflite", "flatanchors.txt", "flatlabels.txt"]
    packed = archive("some_folder", {name: (shapes_tflite / name).read_bytes() for name in names})
    mirror = sandbox.folder / "mirror"
    mirror.mkdir()
    (mirror / name).write_bytes(packed)
    words = ("install", "package", "--tags=model,tflite,mlperf,ssd-mobilenet,downloaded")
    refused = sandbox.ck(*words, CKSSD_MIRROR=str(mirror))
    assert refused.code == 5
    assert "no hash" in refused.text
    assert installed(sandbox) == []
    accepted = sandbox.ck(*words, CKSSD_MIRROR=str(mirror), CKSSD_ACCEPT_UNVERIFIED=name)
    assert accepted.code == 0, accepted.text
    (item,) = installed(sandbox)
    assert "downloaded" in item["tags"]  # type: ignore[operator]


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive_file:
        for name, data in files.items():
            archive_file.writestr(name, data)
    return packed.getvalue()


def test_the_coco_package_lays_its_two_files_out_as_the_variables_say(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "cache"))
    folder = CHECKOUT / "package" / "dataset-coco-2017-val"
    meta = json.loads((folder / ".cm" / "meta.json").read_text())
    contents = {
        "val2017.zip": zipped({"val2017/000000000139.jpg": b"an image"}),
        "annotations_trainval2017.zip": zipped(
            {"annotations/instances_val2017.json": b"{}", "annotations/instances_train2017.json": b"{}"}
        ),
    }
    for source in meta["ckssd"]["sources"]:
        data = contents[source["file_name"]]
        published = source["urls"][0]
        assert published.startswith("http://images.cocodataset.org/")
        source["urls"] = [server.serve(published.split("/", 3)[3], Page(data))]
        source["size"], source["md5"] = len(data), hashlib.md5(data).hexdigest()
    staging = tmp_path / "staging"
    staging.mkdir()
    used = download(Package("dataset-coco-2017-val", "0", "2017", folder, meta), staging)
    assert (staging / "val2017" / "000000000139.jpg").read_bytes() == b"an image"
    assert (staging / "annotations" / "instances_val2017.json").exists()
    assert not (staging / "annotations" / "instances_train2017.json").exists(), (
        "only what is used is unpacked"
    )
    assert [record.sha256 for record in used.sources] == [
        hashlib.sha256(contents[source["file_name"]]).hexdigest() for source in meta["ckssd"]["sources"]
    ]


def test_a_package_of_two_files_can_come_from_elsewhere_too(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "cache"))
    folder = CHECKOUT / "package" / "dataset-coco-2017-val"
    meta = json.loads((folder / ".cm" / "meta.json").read_text())
    images = zipped({"val2017/000000000139.jpg": b"an image"})
    annotations = zipped({"annotations/instances_val2017.json": b"{}"})
    places = [server.serve("images.zip", Page(images)), server.serve("annotations.zip", Page(annotations))]
    digests = [hashlib.sha256(data).hexdigest() for data in (images, annotations)]
    options = {"PACKAGE_URL": ",".join(places), "PACKAGE_SHA256": ",".join(digests)}
    used = download(Package("coco", "0", "2017", folder, meta, options), tmp_path / "staging")
    assert [record.url for record in used.sources] == places
    only_one = {**options, "PACKAGE_SHA256": digests[0]}
    with pytest.raises(UsageError, match="2 addresses, 1 hashes"):
        download(Package("coco", "0", "2017", folder, meta, only_one), tmp_path / "other")


def test_sources_lists_every_file_with_its_hash(sandbox: Sandbox) -> None:
    done = sandbox.ckssd("sources", "--json")
    assert done.code == 0, done.text
    rows = json.loads(done.out)["data"]["sources"]
    by_file = {row["file"]: row for row in rows}
    assert by_file[f"{STEM}.tar.gz"]["size"] == 76541073
    assert by_file[f"{STEM}.tar.gz"]["verified_here"] is False
    assert len(by_file[f"{STEM}.tar.gz"]["urls"]) == 2
    assert any(row.get("locked_packages", 0) > 10 for row in rows)
    text = sandbox.ckssd("sources", "--tags=mlperf").out
    assert "NO HASH" in text
    assert "76,541,073 bytes" in text
