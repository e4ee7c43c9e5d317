"""Copies of a use case under names of their own: what a deployment with many of them has in its folders."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import write
from include.platform.bootstrap import ROOT
from include.use_cases.credit_risk import SPEC

_SPEC = '''"""A copy of the credit use case under a name of its own."""

from include.use_cases.{original} import SPEC as ORIGINAL

SPEC = ORIGINAL.model_copy(update={{"name": "{name}"}})
'''


def names(count: int, prefix: str = "copy") -> list[str]:
    """Return the names of so many copies."""
    return [f"{prefix}_{number:03d}" for number in range(count)]


def spec_file(folder: Path, name: str) -> Path:
    """Write the spec of a copy as a module, where nobody sees half of it, and return its path."""
    return write(folder / f"{name}.py", _SPEC.format(original=SPEC.name, name=name))


def dag_file(folder: Path, name: str, *, beside: bool) -> Path:
    """Write the DAG file of a copy: the shipped one, word for word but for the spec that it names.

    Args:
        folder: Where DAG files are.
        name: Name of the copy.
        beside: Whether the spec is a module beside the shipped ones; otherwise the file makes it itself.
    """
    shipped = (ROOT / "dags" / f"{SPEC.name}.py").read_text()
    line = f"from include.use_cases.{SPEC.name} import SPEC\n"
    assert line in shipped, f"the shipped DAG file has no line '{line.strip()}'"
    if beside:
        return write(folder / f"{name}.py", shipped.replace(line, line.replace(SPEC.name, name)))
    made = f"{line.strip()} as ORIGINAL\n"
    wiring = shipped.replace(line, made)
    place = wiring.index("\ningest = ")
    copied = f'\nSPEC = ORIGINAL.model_copy(update={{"name": "{name}"}})'
    return write(folder / f"{name}.py", wiring[:place] + copied + wiring[place:])
