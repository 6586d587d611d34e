"""What a Mac lacks is not used without another way: GNU's tools and flags, /proc, calls of Linux's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SHELL = ("Makefile", "activate", ".ci/run", "env/*/env.sh", "program/*/.cm/meta.json", "tools/*.sh")
SOURCES = ("src/**/*.py", "tools/*.py", "program/**/*.py", "package/*/*.py", "soft/*/*.py", "module/**/*.py")
# Tools and flags that macOS has not (BSD's have other ones), what is newer than its make 3.81 and bash 3.2.
GNU_ONLY = {
    "tool": r"\b(?:nproc|tac|sha256sum|md5sum|realpath|timeout|flock|setsid|ionice|lscpu|ldd|numfmt|gawk)\b",
    "sed -i, -r, -z": r"\bsed\s+(?:-\w+\s+)*-\w*[irz]",
    "readlink -f, -m, -e": r"\breadlink\s+-\w*[fme]",
    "date -d, -I, -r or %N": r"\bdate\s+(?:-\w*[dI]|.*%N)",
    "stat -c": r"\bstat\s+-\w*c",
    "grep -P": r"\bgrep\s+-\w*P",
    "xargs -r, -d": r"\bxargs\s+(?:-\w+\s+)*-\w*[rd]\b",
    "find -printf, -quit, -regextype": r"\bfind\b.*\s-(?:printf|quit|regextype)\b",
    "sort -V, -z": r"\bsort\s+-\w*[Vz]",
    "cp -t, -l, --": r"\bcp\s+(?:-\w*[tl]|--\w)",
    "head, tail -n -1": r"\b(?:head|tail)\s+-n\s*-",
    "du -b": r"\bdu\s+-\w*b",
    "long options": r"\b(?:ls|rm|mv|mkdir|ln|sort|grep|head|tail|cut|tr|wc|chmod|touch)\s+(?:-\w+\s+)*--\w",
    "make 4": r"\.ONESHELL|\$\(file |^\w+\s*(?:!=|::=)",
    "bash 4": r"\bdeclare -A|\bmapfile\b|\breadarray\b|&>>|\|&|\$\{\w+(?:,,|\^\^)",
}
# Attributes of the standard library that Python has on Linux only.
LINUX_ONLY = {
    *("sched_getaffinity", "sched_setaffinity", "memfd_create", "posix_fadvise", "posix_fallocate", "splice"),
    *(
        "copy_file_range",
        "eventfd",
        "pidfd_open",
        "O_TMPFILE",
        "O_PATH",
        "CLOCK_BOOTTIME",
        "epoll",
        "getrandom",
    ),
    *("renameat2", "RLIMIT_AS_", "process_cpu_count"),
}


def files(patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in CHECKOUT.glob(pattern)}
    return sorted(
        path for path in found if path.is_file() and (".cm" not in path.parts or path.suffix == ".json")
    )


def gnu_only(text: str) -> Iterator[str]:
    for line in text.splitlines():
        code = line.split(" # ")[0] if not line.lstrip().startswith("#") else ""
        for what, pattern in GNU_ONLY.items():
            if re.search(pattern, code):
                yield f"{what}: {line.strip()}"


def test_no_script_uses_what_only_gnu_has() -> None:
    scripts = files(SHELL)
    assert {"Makefile", "activate", "run", "env.sh", "meta.json"} <= {path.name for path in scripts}
    assert {path: found for path in scripts if (found := [*gnu_only(path.read_text())])} == {}


@pytest.mark.parametrize(
    "line",
    [
        *("sed -i s/a/b/ f", "x=$(readlink -f .)", "date -d @1", "stat -c %s f", "cores=$(nproc)", "a |& b"),
        *("cp --reflink a b", "sort -V", "find . -printf %p", "ls --color", "xargs -r rm", ".ONESHELL:"),
    ],
)
def test_each_of_these_would_be_found(line: str) -> None:
    assert [*gnu_only(line)]


def unguarded(text: str) -> list[str]:
    """Uses of /proc and of what only Linux has that nothing stands in for.

    What stands in is a handler of their error around them, or a condition on the platform or ``hasattr``.
    """
    found = []

    def walk(node: ast.AST, guarded: bool) -> None:
        guarded = guarded or is_guard(node)
        is_proc = isinstance(node, ast.Constant) and str(node.value).startswith(("/proc/", "/sys/"))
        is_call = isinstance(node, ast.Attribute) and node.attr in LINUX_ONLY
        is_fork = isinstance(node, ast.Call) and "get_context('fork')" in ast.unparse(node.func)
        if not guarded and (is_proc or is_call or is_fork):
            found.append(ast.unparse(node))
        for child in ast.iter_child_nodes(node):
            walk(child, guarded)

    walk(ast.parse(text), False)
    return found


def is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Try):
        caught = {name.id for each in node.handlers for name in ast.walk(each) if isinstance(name, ast.Name)}
        return bool(caught & {"OSError", "AttributeError"})
    if isinstance(node, (ast.If, ast.IfExp)):
        return bool(re.search(r"hasattr\(|sys\.platform", ast.unparse(node.test)))
    return False


def test_what_only_linux_has_has_a_stand_in() -> None:
    sources = files(SOURCES)
    assert len(sources) > 200
    assert {path: found for path in sources if (found := unguarded(path.read_text()))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "open('/proc/cpuinfo').read()",
        "import os\ndef f():\n    return len(os.sched_getaffinity(0))",
        "import time\nif x:\n    time.CLOCK_BOOTTIME",
        "try:\n    open('/proc/1')\nexcept ValueError:\n    pass",
        "m.get_context('fork').Pool(2)",
    ],
)
def test_each_of_these_would_be_named(code: str) -> None:
    assert unguarded(code)
    assert not unguarded(
        "import sys\nif sys.platform == 'linux':\n" + "".join(f"    {x}\n" for x in code.splitlines())
    )
