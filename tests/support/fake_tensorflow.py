"""A git repository that builds as TensorFlow does, and a stand-in for Bazel: real processes, no compiler."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.sandbox import CHECKOUT

# What runs a script by an interpreter in a path with a space, which `#!` cannot: sh, then Python reads on.
BY_PYTHON = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''"""

# As TensorFlow's: asks what no variable answers, needs `bazel` on PATH, and ends with status 0 without one.
CONFIGURE = """#!/bin/sh
bazel --batch version >/dev/null || { echo "Cannot find bazel. Please install bazel."; exit 0; }
ask() {
    eval "answer=\\${$1-}"
    if [ -z "$answer" ]; then
        echo "What is $1?"
        read -r answer || { echo "no answer to $1"; exit 3; }
    fi
    printf 'build --action_env %s="%s"\\n' "$1" "$answer" >> .tf_configure.bazelrc
}
: > .tf_configure.bazelrc
for name in PYTHON_BIN_PATH USE_DEFAULT_PYTHON_LIB_PATH TF_ENABLE_XLA TF_NEED_OPENCL_SYCL TF_NEED_ROCM \\
    TF_NEED_CUDA TF_DOWNLOAD_CLANG TF_NEED_MPI CC_OPT_FLAGS TF_SET_ANDROID_WORKSPACE
do
    ask "$name"
done
printf 'export PYTHON_BIN_PATH="%s"\\n' "$PYTHON_BIN_PATH" > tools/python_bin_path.sh
"""

BAZEL = (
    BY_PYTHON
    + """
import os, re, stat, subprocess, sys
from pathlib import Path

startup = [word for word in sys.argv[1:] if word.startswith("--output_base=") or word == "--batch"]
command, *words = [word for word in sys.argv[1:] if word not in startup]
with open({log!r}, "a") as log:
    print(os.getcwd(), *sys.argv[1:], file=log)
output = next((Path(word.partition("=")[2]) for word in startup if "=" in word), Path({default_output!r}))

if command == "version":
    print("Build label: {version}\\nBuild target: bazel-out/k8-opt/bin/main.jar")
elif command == "build":
    if not {builds}:
        print("ERROR: tensorflow/core/BUILD:1:1: C++ compilation of rule failed (Exit 1)", file=sys.stderr)
        sys.exit(1)
    assert words[-1] == "//tensorflow/tools/pip_package:build_pip_package" and "--config=opt" in words, words
    place = output / "execroot/bin/tensorflow/tools/pip_package"
    place.mkdir(parents=True)
    script = place / "build_pip_package"
    script.write_text({script!r})
    script.chmod(0o555)
    os.symlink(output / "execroot/bin", "bazel-bin")
    place.chmod(0o555)  # as Bazel leaves its output
elif command == "run":
    settings = Path(".tf_configure.bazelrc").read_text()
    interpreter = re.search('PYTHON_BIN_PATH="(.*)"', settings)[1]
    sys.exit(subprocess.call([interpreter, "-c", "print('ran', *__import__('sys').argv[1:])", *words]))
elif command != "shutdown":
    sys.exit("unknown command " + command)
"""
)

BUILD_PIP_PACKAGE = (
    BY_PYTHON
    + """
import os, sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from tests.support.local_index import make_wheel
assert os.access(os.environ["PYTHON_BIN_PATH"], os.X_OK)
for version in Path("version.txt").read_text().split():
    make_wheel(Path(sys.argv[1]), "tensorflow", version, module=f"__version__ = {{version!r}}\\n")
"""
)


@dataclass(frozen=True)
class FakeTensorFlow:
    """The repository and its commits."""

    repository: Path

    @property
    def commit(self) -> str:
        """The newest commit."""
        return self.git("rev-parse", "HEAD")

    def commit_files(self, message: str, **files: str) -> str:
        """Write files (``__`` stands for a dot in their names) and commit all; return the commit's id."""
        for name, text in files.items():
            path = self.repository / name.replace("__", ".")
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.commit

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.repository, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def make_fake_tensorflow(folder: Path, version: str = "1.13.1") -> FakeTensorFlow:
    """Make the repository in the new folder."""
    (folder / "tools").mkdir(parents=True)
    (folder / "tools" / "keep").touch()
    made = FakeTensorFlow(folder)
    made.git("init", "--quiet")
    made.commit_files("first", configure=CONFIGURE, version__txt=version)
    return made


def make_fake_bazel(path: Path, version: str = "0.20.0", *, builds: bool = True) -> Path:
    """Make the executable; ``path`` with ``.log`` added will have a line for each call."""
    script = BUILD_PIP_PACKAGE.format(python=sys.executable, checkout=str(CHECKOUT))
    text = BAZEL.format(
        python=sys.executable,
        log=f"{path}.log",
        default_output=f"{path}.output",
        version=version,
        builds=builds,
        script=script,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path
