"""The variations of ``tensorflowmodel-api`` by real ``ck`` commands: sources and fixes, told apart."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ckssd.install import find_pythons
from ckssd.tflite.seeded import make_seeded_checkpoint
from tests.support.sandbox import CHECKOUT, Done, Sandbox
from tests.support.tf2_models import write_small_config

API = "model,tensorflow,api"
ENTRY = CHECKOUT / "package" / "tensorflowmodel-api"
META = json.loads((ENTRY / ".cm" / "meta.json").read_text())
EXPORTER = "research/object_detection/export_tflite_ssd_graph.py"
# The seed's command, with its override and its shell's way to name things; the graph goes to $OUT.
SEEDS_COMMAND = """
"$TF_PYTHON" "$CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"/export_tflite_ssd_graph.py \
--input_type image_tensor \
--pipeline_config_path "$MODEL"/pipeline.config \
--trained_checkpoint_prefix "$MODEL"/model.ckpt \
--output_directory "$OUT" \
--add_postprocessing_op=true \
--use_regular_nms=true \
--config_override " \
  model { ssd { post_processing { batch_non_max_suppression { \
    score_threshold: 0.3 iou_threshold: 0.6 max_detections_per_class: 100 max_total_detections: 100 \
  } } } } " \
"""


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A CK home with the default, 2022's, and the May 2019 source with and without its fix."""
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of the variations", tools=shared)
    made.install(API)
    made.install(f"{API},v2019.05")
    made.install(f"{API},v2022")
    done = made.ck("install", "package", f"--tags={API},v2019.05", "--env.CK_APPLY_FIXES=no")
    assert done.code == 0, done.text
    yield made
    made.remove()


def folder_of(home: Sandbox, tags: str) -> Path:
    (item,) = json.loads(home.ckssd("info", f"--tags={API},{tags}", "--json").out)["data"]["installed"]
    return Path(item["location"])


def provenance(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "provenance.json").read_text())
    return content


def install(home: Sandbox, *words: str) -> Done:
    return home.ck("install", "package", *words)


def regular_nms_in(graph_text: Path) -> str:
    """What the seed's ``grep -A 3 use_regular_nms`` shows."""
    done = subprocess.run(
        ["grep", "-A", "3", "use_regular_nms", str(graph_text)], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


def run_exporter(home: Sandbox, installed: Sandbox, tags: str, out: Path, python: str = "") -> Done:
    """Run the seed's command with an interpreter, by default that of TensorFlow 2."""
    items = json.loads(installed.ckssd("info", "--json").out)["data"]["installed"]
    given = {name: value for item in items for name, value in item["variables"].items()}
    return home.ck(
        *("virtual", "env", f"--tags={API},{tags}", f"--shell_cmd={SEEDS_COMMAND}"),
        TF_PYTHON=python or given["CK_ENV_LIB_TF_PYTHON_FILE"],
        MODEL=next(
            str(item["variables"]["CK_ENV_TENSORFLOW_MODEL_ROOT"])
            for item in items
            if "shapes" in item["tags"] and "tf" in item["tags"]
        ),
        OUT=str(out),
    )


def export(home: Sandbox, installed: Sandbox, tags: str, out: Path, python: str = "") -> str:
    """Run the seed's command and return what the seed's grep shows."""
    done = run_exporter(home, installed, tags, out, python)
    assert done.code == 0, done.text
    return regular_nms_in(out / "tflite_graph.pbtxt")


def test_no_question_is_asked_and_the_default_is_the_source_of_july_2020(home: Sandbox) -> None:
    default = provenance(folder_of(home, "v2020.07"))
    assert default["entry"]["variation"] == "fixes,v2020.07"
    assert default["environment"] == ["tf-object-detection==0.0.3"]


def test_each_variation_has_a_folder_an_environment_and_an_identity_of_its_own(home: Sandbox) -> None:
    names = ("v2020.07", "v2022", "v2019.05,fixes", "no-fixes")
    folders = {tags: folder_of(home, tags) for tags in names}
    assert len(set(folders.values())) == len(names)
    identities = {tags: provenance(folder)["entry"]["variation"] for tags, folder in folders.items()}
    assert identities["v2019.05,fixes"] == "fixes,v2019.05"
    assert identities["no-fixes"] == "no-fixes,v2019.05"


def test_the_fix_of_the_seed_is_recorded_as_a_patch(home: Sandbox) -> None:
    fixed, plain = (provenance(folder_of(home, f"v2019.05,{tag}")) for tag in ("fixes", "no-fixes"))
    assert any("export_tflite_ssd_graph.py" in line and "fix:" in line for line in fixed["patches"])
    assert not any("fix:" in line for line in plain["patches"])
    assert (fixed["extra"]["fixes_applied"], plain["extra"]["fixes_applied"]) == (True, False)
    call = r"FLAGS\.max_classes_per_detection, FLAGS\.use_regular_nms\)"
    assert not re.search(call, (folder_of(home, "v2019.05,fixes") / EXPORTER).read_text())
    assert re.search(call, (folder_of(home, "no-fixes") / EXPORTER).read_text())


def test_the_networks_that_the_source_of_2019_lacks_are_those_of_2020(home: Sandbox) -> None:
    folder = folder_of(home, "v2019.05,fixes")
    assert (folder / "research" / "nets" / "mobilenet_v1.py").is_file()
    assert provenance(folder)["environment"] == [
        "tensorflow-object-detection-api==0.1.1",
        "tf-object-detection==0.0.3",
    ]


def test_the_source_of_2022_has_its_networks_where_it_imports_them_from(home: Sandbox) -> None:
    folder = folder_of(home, "v2022")
    assert (folder / "research" / "slim" / "nets" / "mobilenet" / "mobilenet_v3.py").is_file()
    assert not (folder / "research" / "object_detection" / "nets").exists()
    record = provenance(folder)
    assert record["environment"] == ["tf-models-research-object-detection==2.8.0.post1"]
    reasons = " ".join(record["patches"])
    assert "Keras 2" in reasons
    assert "behave as TensorFlow 1" in reasons


@pytest.mark.full
def test_the_source_of_2022_exports_models_of_tensorflow_1_by_the_seeds_command(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    assert export(home, installed, "v2022", tmp_path) == 'key: "use_regular_nms" value { b: true }'


@pytest.mark.full
def test_the_source_of_2022_exports_models_of_tensorflow_2_by_its_own_commands(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    (item,) = json.loads(installed.ckssd("info", "--tags=lib,tensorflow,v2", "--json").out)["data"][
        "installed"
    ]
    python = Path(item["variables"]["CK_ENV_LIB_TF_PYTHON_FILE"])
    api = folder_of(home, "v2022") / "research" / "object_detection"
    model = tmp_path / "small model"
    config = write_small_config(tmp_path / "of the small model")
    make_seeded_checkpoint(python, api, config, model, seed=5, images=8)
    given = {"TF_PYTHON": str(python), "MODEL": str(model)}
    for program, made in {
        "exporter_main_v2.py": "saved_model/saved_model.pb",
        "export_tflite_graph_tf2.py": "saved_model/saved_model.pb",
    }.items():
        command = f"""
        "$TF_PYTHON" "$CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"/{program} \
        --pipeline_config_path "$MODEL"/pipeline.config \
        --trained_checkpoint_dir "$MODEL"/checkpoint --output_directory "$OUT" """
        out = tmp_path / program
        done = home.ck(
            *("virtual", "env", f"--tags={API},v2022", f"--shell_cmd={command}"), OUT=str(out), **given
        )
        assert done.code == 0, done.text
        assert (out / made).is_file()


def test_without_fixes_by_tag_and_by_variable_is_the_same_installation(home: Sandbox) -> None:
    for words in ((f"--tags={API},v2019.05,no-fixes",), (f"--tags={API},v2019.05", "--env.CK_APPLY_FIXES=0")):
        done = install(home, *words)
        assert done.code == 0, done.text
        assert f"Already installed and whole: {folder_of(home, 'no-fixes')}" in done.text


def test_an_installation_without_fixes_is_not_taken_for_one_with_them(home: Sandbox) -> None:
    done = install(home, f"--tags={API},v2019.05")
    assert f"Already installed and whole: {folder_of(home, 'v2019.05,fixes')}" in done.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([f"--tags={API},no-fixes", "--env.CK_APPLY_FIXES=yes"], "A variable contradicts a variation"),
        ([f"--tags={API},v2019.05,v2020.07"], "contradiction on variable (CKSSD_API_SOURCE)"),
        ([f"--tags={API}", "--env.CK_APPLY_FIXES=perhaps"], "A switch is neither on nor off"),
        (
            [f"--tags={API},v2019.05", "--env.PACKAGE_URL=/x", "--env.CK_REINSTALL=yes"],
            "which PACKAGE_URL cannot replace",
        ),
        (
            [f"--tags={API},upstream-9bbf8015", "--env.PACKAGE_URL=/x", "--env.PACKAGE_COMMIT=main"],
            "a commit is named by its full id",
        ),
    ],
    ids=["against a tag", "two sources", "neither yes nor no", "address of a locked package", "no full id"],
)
def test_what_makes_no_sense_is_one_line_and_installs_nothing(
    home: Sandbox, words: list[str], told: str
) -> None:
    before = sorted((home.folder / "tools").glob("tensorflowmodel-api*"))
    done = install(home, *words)
    assert done.code != 0
    assert told in done.text
    assert "Traceback" not in done.text
    assert sorted((home.folder / "tools").glob("tensorflowmodel-api*")) == before


@pytest.mark.full  # TensorFlow 1.13.1 below, and TensorFlow 2 with a commit fetched, show it, too
def test_with_the_fix_the_seeds_command_does_what_it_says(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    assert export(home, installed, "v2019.05,fixes", tmp_path) == 'key: "use_regular_nms" value { b: true }'


@pytest.mark.full
def test_without_the_fix_todays_protobuf_names_the_mixed_up_argument(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    done = run_exporter(home, installed, "no-fixes", tmp_path)
    assert done.code != 0
    assert "Expected an int, got a boolean" in done.text


@pytest.mark.full
@pytest.mark.skipif(
    not any(python.minor == "3.7" for python in find_pythons()),
    reason="TensorFlow 1.13.1 needs Python 3.7, which is not on this machine",
)
def test_the_seeds_bug_shows_by_the_seeds_grep_with_the_tensorflow_of_its_time(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    home.install("lib,tensorflow,vprebuilt,v1.13.1")
    (item,) = json.loads(home.ckssd("info", "--tags=v1.13.1", "--json").out)["data"]["installed"]
    python = item["variables"]["CK_ENV_LIB_TF_PYTHON_FILE"]
    plain = export(home, installed, "no-fixes", tmp_path / "plain", python)
    assert plain == 'key: "use_regular_nms" value { b: false }'
    fixed = export(home, installed, "v2019.05,fixes", tmp_path / "fixed", python)
    assert fixed == 'key: "use_regular_nms" value { b: true }'


def make_upstream(home: Sandbox, python: Path, folder: Path) -> str:
    """Make a git repository with the layout of the upstream one of 2019; return its last commit but one."""
    shutil.copytree(folder_of(home, "no-fixes") / "research", folder / "research")
    research = folder / "research"
    script = Path(__file__).parent / "inside" / "write_protos.py"
    done = home.run(str(python), str(script), str(research))
    assert done.code == 0, done.text
    for generated in (research / "object_detection" / "protos").glob("*_pb2.py"):
        generated.unlink()
    for added in (research / "object_detection").glob("ckssd_*.py"):
        added.unlink()
    for path in research.rglob("*.py"):
        text = path.read_text()
        path.write_text(
            text.replace("from object_detection.ckssd_compat import tf", "import tensorflow as tf")
        )
    (research / "slim").mkdir()
    (research / "nets").rename(research / "slim" / "nets")
    (folder / "official").mkdir()
    (folder / "official" / "unwanted.txt").write_text("not fetched")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message=one"],
        [*identity, "commit", "--quiet", "--allow-empty", "--message=two"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    done = home.run("git", "-C", str(folder), "rev-parse", "HEAD~1")
    return done.out.strip()


@pytest.mark.full
@pytest.mark.usefixtures("object_detection_api")
def test_a_commit_of_a_repository_is_fetched_compiled_and_exports(
    home: Sandbox, installed: Sandbox, tmp_path: Path
) -> None:
    (tensorflow,) = json.loads(installed.ckssd("info", "--tags=lib,tensorflow,v2", "--json").out)["data"][
        "installed"
    ]
    python = Path(tensorflow["variables"]["CK_ENV_LIB_TF_PYTHON_FILE"])
    upstream = tmp_path / "up stream"
    commit = make_upstream(home, python, upstream)
    tags = f"--tags={API},upstream-57e07520"
    url, wanted = f"--env.PACKAGE_URL=file://{upstream}", f"--env.PACKAGE_COMMIT={commit}"
    other = install(home, tags, url)
    assert other.code != 0
    assert "the repository has not the commit" in other.text, "the pinned commit is not in this repository"
    done = install(home, tags, url, wanted)
    assert done.code == 0, done.text
    folder = folder_of(home, "upstream-57e07520")
    record = provenance(folder)
    assert record["entry"]["variation"] == "fixes,upstream-57e07520"
    assert record["entry"]["options"] == {"PACKAGE_URL": f"file://{upstream}", "PACKAGE_COMMIT": commit}
    assert record["extra"]["git"]["commit"] == commit
    assert any(pin.startswith("grpcio-tools==") for pin in record["environment"])
    assert sorted(path.name for path in (folder / "research").iterdir()) == ["object_detection", "slim"]
    shown = export(home, installed, "upstream-57e07520", tmp_path / "graph")
    assert shown == 'key: "use_regular_nms" value { b: true }'


@pytest.mark.parametrize("name", sorted(META["ckssd"]["variants"]))
def test_every_source_is_pinned(name: str) -> None:
    variant = META["ckssd"]["variants"][name]
    assert name in META["variations"]
    assert META["variations"][name]["extra_env"] == {"CKSSD_API_SOURCE": name}
    if "git" in variant:
        assert re.fullmatch(r"[0-9a-f]{40}", variant["git"]["commit"])
        assert name.endswith(variant["git"]["commit"][:8])
    locks = [variant[key] for key in ("requirements", "nets_from", "protoc") if key in variant]
    assert locks
    for lock in locks:
        text = (ENTRY / lock).read_text()
        pinned = [line for line in text.splitlines() if line and line[0] not in " #-"]
        assert pinned
        assert all(re.match(r"[A-Za-z0-9._-]+==\S+ .*\\$", line) for line in pinned)
        assert text.count("--hash=sha256:") >= len(pinned)


def test_ck_asks_no_question_only_while_two_variations_are_on_by_default() -> None:
    variations = META["variations"]
    default = sorted(name for name, content in variations.items() if content.get("on_by_default") == "yes")
    assert default == ["fixes", "v2020.07"]


def test_the_seeded_model_is_never_matched_by_the_tags_of_mlperf() -> None:
    entry = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-seeded" / ".cm" / "meta.json"
    meta = json.loads(entry.read_text())
    assert "mlperf" not in meta["tags"]
    assert {"model", "tensorflow", "tf", "object-detection", "ssd-mobilenet", "seeded"} <= set(meta["tags"])
