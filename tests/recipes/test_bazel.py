"""TensorFlow from source: the recipe's real processes on a small repository and with a stand-in for Bazel."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, InputError, RunError, UsageError, VerificationError
from ckssd.recipes import Package, install
from ckssd.recipes.bazel import NOT_WANTED, bazel_build
from tests.support.fake_tensorflow import FakeTensorFlow, make_fake_bazel, make_fake_tensorflow
from tests.support.local_index import make_lock, make_wheel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.fixture
def tensorflow(tmp_path: Path) -> FakeTensorFlow:
    return make_fake_tensorflow(tmp_path / "a fork of tensorflow")


@pytest.fixture
def package(tmp_path: Path, tensorflow: FakeTensorFlow) -> Package:
    entry = tmp_path / "entry"
    entry.mkdir()
    make_lock(entry / "requirements.lock", make_wheel(entry, "hello", "1.2"))
    section = {
        "requirements": "requirements.lock",
        "python": ">=3.7",
        "repository": str(tensorflow.repository),
        "commit": tensorflow.commit,
        "bazel": ">=0.19,<0.22",
        "bazel_advised": "0.20.0",
    }
    return Package(
        alias="lib-tensorflow-1.13.1-src-cpu",
        uid="333b554fb5b0e443",
        version="1.13.1",
        folder=entry,
        meta={"ckssd": section},
        options={"CK_BAZEL": str(make_fake_bazel(tmp_path / "tools of bazel" / "bazel-0.20"))},
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "installed" / "lib-tensorflow-src-cpu"


def with_options(package: Package, **options: str) -> Package:
    return replace(package, options={**package.options, **options})


def calls_of(package: Package) -> list[list[str]]:
    log = Path(package.options["CK_BAZEL"] + ".log")
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def assert_nothing_is_left(target: Path) -> None:
    assert not target.exists()
    left = [path for path in (target.parent / ".ckssd").rglob("*") if path.is_file() and path.name != "lock"]
    assert left == []
    assert not list((target.parent / ".ckssd" / target.name).glob("staging-*"))


def test_the_wheel_is_built_and_installed_beside_the_locked_packages(package: Package, target: Path) -> None:
    install(package, target, bazel_build)
    python = target / "bin" / "python"
    code = "import tensorflow, hello; print(tensorflow.__version__, tensorflow.__file__)"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"1.13.1 {target}/lib/")
    assert [line[-1] for line in calls_of(package)] == [
        "version",
        "version",  # configure's own
        "//tensorflow/tools/pip_package:build_pip_package",
        "shutdown",
    ]


def test_provenance_names_commit_repository_and_tools(
    package: Package, target: Path, tensorflow: FakeTensorFlow
) -> None:
    install(package, target, bazel_build)
    provenance = json.loads((target / "provenance.json").read_text())
    git = provenance["extra"]["git"]
    assert (git["url"], git["commit"]) == (str(tensorflow.repository), tensorflow.commit)
    assert provenance["tools"]["bazel"] == "0.20.0"
    assert provenance["environment"] == ["hello==1.2", "tensorflow==1.13.1"]
    assert provenance["extra"]["configuration"]["TF_NEED_CUDA"] == "0"
    assert provenance["entry"]["options"] == {}


def test_every_question_is_answered_and_the_settings_name_the_final_place(
    package: Package, target: Path
) -> None:
    install(with_options(package, CC_OPT_FLAGS="-O1 -mavx"), target, bazel_build)
    settings = (target / "src" / ".tf_configure.bazelrc").read_text()
    assert f'PYTHON_BIN_PATH="{target}/bin/python"' in settings
    assert f'"{target}/bin/python"' in (target / "src/tools/python_bin_path.sh").read_text()
    assert 'CC_OPT_FLAGS="-O1 -mavx"' in settings
    for name in set(NOT_WANTED) & {"TF_NEED_CUDA", "TF_NEED_MPI", "TF_DOWNLOAD_CLANG"}:
        assert f'{name}="0"' in settings
    assert "staging" not in settings


def test_bazel_run_works_in_the_installed_source(
    package: Package, target: Path, tensorflow: FakeTensorFlow
) -> None:
    install(package, target, bazel_build)
    source = target / "src"
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=source, capture_output=True, text=True, check=True
    )
    assert head.stdout.strip() == tensorflow.commit
    command = [package.options["CK_BAZEL"], "run", "-c", "opt", "tensorflow/contrib/lite/toco:toco"]
    ran = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    assert ran.stdout == "ran -c opt tensorflow/contrib/lite/toco:toco\n"


def test_bazels_output_is_kept_in_one_folder_and_removed(package: Package, target: Path) -> None:
    install(package, target, bazel_build)
    assert not list((target / "src").glob("bazel-*"))
    assert not list((target.parent / ".ckssd" / target.name).glob("staging-*"))
    outputs = {word for line in calls_of(package) for word in line if word.startswith("--output_base=")}
    (output,) = outputs
    assert not Path(output.partition("=")[2]).exists()
    assert not Path(package.options["CK_BAZEL"] + ".output").exists()


def test_the_recipe_alone_leaves_nothing_beside_its_folder(package: Package, tmp_path: Path) -> None:
    staging = tmp_path / "work" / "staging"
    staging.mkdir(parents=True)
    bazel_build(package, staging)
    assert list(staging.parent.iterdir()) == [staging]


def test_bazel_on_the_path_is_found_and_given_the_options(
    package: Package, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bazel = make_fake_bazel(tmp_path / "on the path" / "bazel", "0.21.0")
    monkeypatch.setenv("PATH", str(bazel.parent), prepend=":")
    options = {"CKSSD_BAZEL_OPTIONS": "--jobs=4 --copt='-DA B'"}
    install(replace(package, options=options), target, bazel_build)
    assert "--jobs=4 --copt=-DA B //tensorflow" in Path(f"{bazel}.log").read_text()


def test_another_repository_and_commit_can_be_named(
    package: Package, target: Path, tensorflow: FakeTensorFlow
) -> None:
    other = tensorflow.commit_files("a fork's change", version__txt="1.13.2")
    tensorflow.commit_files("later", version__txt="9.9")
    section = {**package.section, "repository": "https://unreachable.invalid/tensorflow.git"}
    package = replace(package, meta={"ckssd": section})
    package = with_options(package, PACKAGE_URL=str(tensorflow.repository), PACKAGE_COMMIT=other)
    install(package, target, bazel_build)
    provenance = json.loads((target / "provenance.json").read_text())
    assert provenance["entry"]["options"] == {
        "PACKAGE_URL": str(tensorflow.repository),
        "PACKAGE_COMMIT": other,
    }
    assert "tensorflow==1.13.2" in provenance["environment"]


def test_a_commit_that_the_repository_lacks(package: Package, target: Path) -> None:
    with pytest.raises(VerificationError, match="0123456789012345678901234567890123456789"):
        install(with_options(package, PACKAGE_COMMIT="0123456789" * 4), target, bazel_build)
    assert_nothing_is_left(target)


def test_the_id_of_a_tag_is_no_commit(package: Package, target: Path, tensorflow: FakeTensorFlow) -> None:
    tensorflow.git("tag", "--annotate", "-m", "a tag", "v1.13.1")
    tag = tensorflow.git("rev-parse", "v1.13.1")
    assert tag != tensorflow.commit
    with pytest.raises(VerificationError, match="not the commit"):
        install(with_options(package, PACKAGE_COMMIT=tag), target, bazel_build)
    assert_nothing_is_left(target)


def test_a_branch_is_refused_because_it_verifies_nothing(package: Package, target: Path) -> None:
    with pytest.raises(UsageError, match=r"40 hexadecimal digits, got r1\.13"):
        install(with_options(package, PACKAGE_COMMIT="r1.13"), target, bazel_build)
    assert_nothing_is_left(target)


def test_no_bazel(package: Package, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("git", "uv"):
        found = shutil.which(tool)
        if found:
            (tmp_path / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentSetupError) as caught:
        install(replace(package, options={}), target, bazel_build)
    assert "PATH (expected Bazel >=0.19,<0.22)" in str(caught.value)
    assert "get release 0.20.0" in str(caught.value)
    assert_nothing_is_left(target)


def test_a_named_bazel_that_is_not_there(package: Package, target: Path) -> None:
    with pytest.raises(EnvironmentSetupError, match="CK_BAZEL=/no/bazel"):
        install(with_options(package, CK_BAZEL="/no/bazel"), target, bazel_build)
    assert_nothing_is_left(target)


@pytest.mark.parametrize("version", ["0.18.1", "0.22.0", "5.4.1"])
def test_a_bazel_of_another_version(package: Package, target: Path, tmp_path: Path, version: str) -> None:
    package = with_options(package, CK_BAZEL=str(make_fake_bazel(tmp_path / "bazel-x", version)))
    with pytest.raises(EnvironmentSetupError, match=f"expected version >=0.19,<0.22, got {version}"):
        install(package, target, bazel_build)
    assert calls_of(package)[-1][-1] == "shutdown"
    assert_nothing_is_left(target)


def test_a_failing_build_tells_its_last_lines(package: Package, target: Path, tmp_path: Path) -> None:
    package = with_options(package, CK_BAZEL=str(make_fake_bazel(tmp_path / "bazel-x", builds=False)))
    with pytest.raises(RunError, match=r"bazel build failed .*exit status 1: .*C\+\+ compilation"):
        install(package, target, bazel_build)
    assert calls_of(package)[-1][-1] == "shutdown"
    assert_nothing_is_left(target)


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        (
            {"configure": "#!/bin/sh\necho 'Which C?'\nread c || exit 3\n"},
            RunError,
            r"exit status 3: Which C\?",
        ),
        ({"configure": "#!/bin/sh\necho 'gave up'\n"}, RunError, "configure gave up"),
        ({"version__txt": "1.13.1 1.13.2"}, InputError, "not make one wheel"),
        ({"version__txt": ""}, InputError, "got none"),
        ({"version__txt": "1.14.0"}, InputError, "expected tensorflow==1.13.1, got tensorflow==1.14.0"),
    ],
)
def test_a_source_that_is_not_right(
    package: Package,
    target: Path,
    tensorflow: FakeTensorFlow,
    files: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    commit = tensorflow.commit_files("not right", **files)
    package = replace(package, meta={"ckssd": {**package.section, "commit": commit}})
    with pytest.raises(error, match=message):
        install(package, target, bazel_build)
    assert_nothing_is_left(target)


def test_a_source_without_configure(package: Package, target: Path, tensorflow: FakeTensorFlow) -> None:
    tensorflow.git("rm", "--quiet", "configure")
    commit = tensorflow.commit_files("without")
    package = replace(package, meta={"ckssd": {**package.section, "commit": commit}})
    with pytest.raises(InputError, match="src/configure"):
        install(package, target, bazel_build)
    assert_nothing_is_left(target)


def test_offline_says_at_once_that_it_cannot_be(
    package: Package, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    with pytest.raises(EnvironmentSetupError, match=r"cannot be built offline.*v1\.13\.1,vprebuilt"):
        install(package, target, bazel_build)
    assert calls_of(package) == []
    assert_nothing_is_left(target)


def test_a_path_with_a_space_is_refused_before_the_hours_of_the_build(
    package: Package, tmp_path: Path
) -> None:
    target = tmp_path / "a place" / "lib-tensorflow"
    with pytest.raises(EnvironmentSetupError, match="path has a space"):
        install(package, target, bazel_build)
    assert_nothing_is_left(target)
