"""What can be measured: the benchmarks by name, read from their files. Nothing but the standard library."""

from __future__ import annotations

import ast
from pathlib import Path


def benchmarks() -> dict[str, str]:
    """Return the benchmarks by name, each with the first line of its file; none of them is imported for it.

    A benchmark is a file that defines ``measures``; others in the folder help them.
    """
    folder = Path(__file__).parents[2] / "benchmarks"
    files = {path.stem: ast.parse(path.read_text()) for path in sorted(folder.glob("*.py"))}
    return {
        name: (ast.get_docstring(tree) or "").partition("\n")[0]
        for name, tree in files.items()
        if any(isinstance(each, ast.FunctionDef) and each.name == "measures" for each in tree.body)
    }
