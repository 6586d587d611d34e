"""What travels to the nodes stands alone: there is no ckssd there, and any Python that Ray runs on."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from ckssd.cluster import on_node

OF_OTHERS = {"ray", "fsspec"}  # Ray's own Python has it; asked for only where pictures are fetched
MODULES = sorted(Path(on_node.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_imports_nothing_that_a_node_lacks(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            )
            for name in names:
                assert name is not None
                top = name.partition(".")[0]
                own = name.startswith(f"{on_node.__name__}.")
                assert own or top in sys.stdlib_module_names or (top in OF_OTHERS and node in inside), name
