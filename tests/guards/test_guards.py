"""Each guard was seen to matter: without it, its test fails. The tables beside this file say which test holds which.

A mutant is a copy of the tree with one guard taken away. Its test runs there in a process of its own, against the
services of this session; two run at a time.
"""

from __future__ import annotations

import os
import pkgutil
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from tests import guards
from tests.conftest import SHARED_SERVICES
from tests.guards.mutant import ROOT, Mutant

TABLES = [
    import_module(f"tests.guards.{module.name}")
    for module in pkgutil.iter_modules(guards.__path__)
    if module.name not in ("mutant", "test_guards")
]
GUARDS: dict[str, tuple[Mutant, ...]] = {line: each for table in TABLES for line, each in table.GUARDS.items()}
MUTANTS = [pytest.param(mutant, id=f"{line}: {mutant}") for line, mutants in GUARDS.items() for mutant in mutants]
_AT_ONCE = 2


@dataclass(frozen=True)
class Run:
    """What pytest said about a copy of the tree."""

    code: int
    output: str

    def has(self, outcome: str, node: str) -> bool:
        """Return whether a node ended so: PASSED, FAILED."""
        return re.search(rf"^{outcome} {re.escape(node)}( - |$)", self.output, re.MULTILINE) is not None


@dataclass(frozen=True)
class Runs:
    """The runs of this session, some of them still to come."""

    as_it_is: Future[Run]
    without: dict[Mutant, Future[Run]]


@pytest.fixture(scope="session")
def runs(request, s3, mlflow_url, tmp_path_factory):
    """Start the selected mutants' tests, and all of them once on the code as it is."""
    items = [item for item in request.session.items if "mutant" in getattr(item, "fixturenames", ())]
    wanted = list(dict.fromkeys(item.callspec.params["mutant"] for item in items))
    folder, nodes = tmp_path_factory.mktemp("mutants"), sorted({mutant.node for mutant in wanted})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        as_it_is = pool.submit(run_tests, folder / "as it is", nodes, None)
        without = {
            mutant: pool.submit(run_tests, folder / str(number), [mutant.node], mutant)
            for number, mutant in enumerate(wanted)
        }
        yield Runs(as_it_is, without)
        pool.shutdown(cancel_futures=True)


def run_tests(folder: Path, nodes: list[str], mutant: Mutant | None) -> Run:
    """Copy the tree, take a guard away if one is given, and run some tests there."""
    named = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in named.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if mutant is not None:
        (folder / mutant.file).write_text(mutant.without_guard())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rpfEs", "-p", "no:cacheprovider", "--timeout=250", *nodes],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), SHARED_SERVICES: "yes"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    shutil.rmtree(folder)
    return Run(done.returncode, done.stdout + done.stderr)


@pytest.mark.parametrize("line", GUARDS)
def test_every_guard_is_where_its_table_says(line):
    assert GUARDS[line]
    for mutant in GUARDS[line]:
        compile(mutant.without_guard(), mutant.file, "exec")


@pytest.mark.slow
@pytest.mark.timeout(3600)  # whichever comes first waits until all tests have run on the code as it is
@pytest.mark.parametrize("mutant", MUTANTS)
def test_without_its_guard_a_test_fails(mutant, runs):
    before = runs.as_it_is.result()
    if before.code == 0 and not before.has("PASSED", mutant.node):
        pytest.skip(f"{mutant.node} was skipped")
    assert before.has("PASSED", mutant.node), before.output
    without = runs.without[mutant].result()
    assert without.code == pytest.ExitCode.TESTS_FAILED, without.output
    assert without.has("FAILED", mutant.node), without.output
    assert re.search(mutant.sees, without.output, re.MULTILINE), (
        f"it fails, but not by {mutant.sees!r}:\n{without.output}"
    )
