"""Run a benchmark: measures as they come, a table, and a file that says on which machine and with which versions.

A benchmark is a module of this package with a ``measures(say)``, which yields one measure after another; the first line
of its docstring says what it is about. A number alone says little, so most have one beside them that was taken in the
same run: a plain peer, or the limit of what is possible. One that can be run in part names the variable that asks for
it as its ``PART``. One that takes hours can go on where a run was broken off: its ``measures(say, had)`` leaves out the
sections whose measures it had, and its ``plot(measures)`` draws all of them.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from rich.console import Console
from rich.table import Table

from include.errors import PermanentError
from include.models import provenance
from include.platform.embedded import Platform
from include.records import Record
from include.settings import settings

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results", FOLDER / "README.md"
Say = Callable[[str], None]
_KERNEL = "platform"  # its name in the versions
_HEADER = ("measure", "value", "goal", "holds", "beside it, in the same run", "ratio")
_KIB_A_GIB = 2**20
_NOWHERE = {
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "FLIGHTDECK_JOURNAL_KEY": "nothing",
}  # fmt: skip


class Goal(Record):
    """The limit that a number must keep, or the two that it must lie between."""

    kind: Literal["at most", "at least", "between"]
    limit: float
    upper: float | None = Field(default=None, description="the second limit of what must lie between two")
    because: str = Field(default="", description="where the limit comes from, if it is not simply set")

    def holds(self, value: float) -> bool:
        """Return whether a value keeps the limit; one that is not a number does not."""
        if self.upper is not None:
            return self.limit <= value <= self.upper
        return value <= self.limit if self.kind == "at most" else value >= self.limit

    def __str__(self) -> str:
        limits = f"{self.limit:g}" if self.upper is None else f"{self.limit:g} and {self.upper:g}"
        return f"{self.kind} {limits}{f' ({self.because})' if self.because else ''}"

    @model_validator(mode="after")
    def _two_limits_or_one(self) -> Self:
        if (self.kind == "between") != (self.upper is not None):
            raise ValueError("a goal has a second limit where its number must lie between two, and only there")
        return self


class Peer(Record):
    """What was measured beside a number, in the same run and the same unit."""

    name: str
    value: float


class Measure(Record):
    """One number with its unit and how it was taken; with its goal and its peer, where it has them."""

    name: str
    value: float
    unit: str
    how: str = Field(description="how it was measured, in a sentence")
    goal: Goal | None = None
    peer: Peer | None = None
    digits: int = Field(default=2, description="digits behind the point that mean something")

    @property
    def holds(self) -> bool:
        """Return whether the goal is kept; a number without one cannot miss it."""
        return self.goal is None or self.goal.holds(self.value)

    @property
    def ratio(self) -> float | None:
        """Return the value over its peer's, none where there is no peer or the peer's is zero."""
        return self.value / self.peer.value if self.peer and self.peer.value else None

    def cells(self) -> list[str]:
        """Return the row of the table."""
        number = f"{self.value:,.{self.digits}f} {self.unit}".strip()
        beside = f"{self.peer.name}: {self.peer.value:,.{self.digits}f}" if self.peer else ""
        held = "" if self.goal is None else "yes" if self.holds else "NO"
        return [self.name, number, str(self.goal or ""), held, beside, f"{self.ratio:.3g}" if self.ratio else ""]


class Machine(Record):
    """Where and with what a benchmark ran."""

    cores: int
    memory_gib: float
    load_before: float = Field(description="load average of the minute before; a calm machine is near 0")
    date: dt.datetime
    commit: str
    versions: dict[str, str]

    def is_like(self, other: Machine) -> bool:
        """Return whether numbers of both may stand in one table; their kernels, which it names, may differ."""
        mine, theirs = ((each.cores, round(each.memory_gib), each.versions | {_KERNEL: ""}) for each in (self, other))
        return mine == theirs

    def __str__(self) -> str:
        named = ", ".join(f"{name} {self.versions[name]}" for name in (_KERNEL, "python", "apache-airflow", "mlflow"))
        return (
            f"{self.cores} cores, {self.memory_gib:.0f} GiB, load before the run {self.load_before:.1f}; {named}; "
            f"{self.date:%Y-%m-%d %H:%M} UTC, commit {self.commit[:12]}"
        )


class Result(Record):
    """All that one run of a benchmark found."""

    benchmark: str
    machine: Machine
    measures: tuple[Measure, ...]
    before: Result | None = Field(
        default=None, description="the run that was broken off and that this one went on with"
    )

    def all(self) -> tuple[Measure, ...]:
        """Return all measures; of one that was taken twice, the newer."""
        older = self.before.all() if self.before else ()
        return (*_without(older, self.measures), *self.measures)

    @property
    def holds(self) -> bool:
        """Return whether every goal is kept."""
        return all(measure.holds for measure in self.all())

    def markdown(self) -> str:
        """Return the table, with the machine above and how each number was taken below."""
        lines = [*self._measured(), "", _line(_HEADER), _line(["---"] * len(_HEADER))]
        lines += [_line(measure.cells()) for measure in self.all()]
        return "\n".join([*lines, "", *(f"- *{measure.name}*: {measure.how}" for measure in self.all()), ""])

    def _measured(self) -> Iterator[str]:
        if self.before:
            yield from self.before._measured()
            yield f"Broken off, and gone on with from *{self.measures[0].name}*: {self.machine}."
        else:
            yield f"Measured on {self.machine}."


def run(name: str, console: Console, *, resume: bool = False) -> bool:
    """Run one benchmark, print its table, save it, and return whether every goal is kept.

    What has been measured is kept as it comes, in a file beside the tables, and a run that is broken off can be gone on
    with; the table changes when a run comes to its end. A part that was asked for is printed, and kept nowhere.

    Args:
        name: The benchmark.
        console: Where it says what it does, and what came of it.
        resume: Go on with a run that was broken off.

    Raises:
        PermanentError: the benchmark cannot go on, or no run of it was broken off on a machine like this.
    """
    module = importlib.import_module(f"benchmarks.{name}")
    console.print(f"[bold]{name}[/bold]: {(module.__doc__ or '').splitlines()[0]}")
    on, part, unended = machine(), _asked(getattr(module, "PART", "")), RESULTS / f"{name}.unended.json"
    before = _broken_off(unended, module.measures, on) if resume else None
    had = [{each.name for each in before.all()}] if before else []
    taken: list[Measure] = []
    with surroundings():
        for measure in module.measures(lambda text: console.print(text, soft_wrap=True, markup=False), *had):
            taken.append(measure)
            result = Result(benchmark=name, machine=on, measures=tuple(taken), before=before)
            if not part:
                write(unended, _as_json(result))
            console.print(f"  {' · '.join(filter(None, measure.cells()[:4]))}", soft_wrap=True, markup=False)
    if part:
        console.print(f"not saved: this was the part that {part} asked for")
    else:
        for path in save(result, RESULTS):
            console.print(f"saved {path}", soft_wrap=True)
        unended.unlink()
        if hasattr(module, "plot"):
            module.plot(result.all())
    console.print(table(result))
    console.print(str(result.machine), soft_wrap=True, markup=False)
    return result.holds


def _asked(variable: str) -> str:
    return f"{variable}={value}" if (value := os.environ.get(variable, "")) else ""


def _broken_off(unended: Path, measures: Callable[..., Iterator[Measure]], on: Machine) -> Result:
    if len(inspect.signature(measures).parameters) < 2:
        raise PermanentError(
            expected="a benchmark that can go on", seen="one that measures all in one go",
            where=unended.name.partition(".")[0], next_step="run it without --resume",
        )  # fmt: skip
    if not unended.exists():
        raise PermanentError(
            expected="a run that was broken off", seen="none", where=str(unended), next_step="run it without --resume"
        )
    before = Result.model_validate_json(unended.read_text())
    if not on.is_like(before.machine):
        raise PermanentError(
            expected="a run that was broken off on a machine like this, with the same versions",
            seen=str(before.machine), where=str(unended), next_step="run it without --resume",
        )  # fmt: skip
    return before


def _without(measures: tuple[Measure, ...], newer: tuple[Measure, ...]) -> Iterator[Measure]:
    names = {each.name for each in newer}
    return (each for each in measures if each.name not in names)


@contextmanager
def surroundings() -> Iterator[None]:
    """Give a benchmark an environment that it may change: recorded data is found, and services are not.

    A benchmark that starts services enters their addresses; one without them needs the recordings alone.
    """
    before = dict(os.environ)
    os.environ.setdefault("FLIGHTDECK_CACHE_DIR", str(Platform().home.folder / "cache"))
    os.environ.update(_NOWHERE)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def machine() -> Machine:
    """Return the facts of this machine, just now."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=int(memory.split()[1]) / _KIB_A_GIB,
        load_before=os.getloadavg()[0],
        date=dt.datetime.now(dt.UTC).replace(microsecond=0),
        commit=provenance.git_commit(),
        versions=provenance.environment() | {"apache-airflow": version("apache-airflow")},
    )


def save(result: Result, folder: Path) -> list[Path]:
    """Write ``<name>.json`` for programs and ``<name>.md`` for people, and return both."""
    paths = [folder / f"{result.benchmark}.json", folder / f"{result.benchmark}.md"]
    for path, text in zip(paths, [_as_json(result), result.markdown()], strict=True):
        write(path, text)
    return paths


def write(path: Path, text: str) -> Path:
    """Write a file where nobody sees half of it, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(text)
    return half.replace(path)


def _as_json(result: Result) -> str:
    return result.model_dump_json(indent=1) + "\n"


def table(result: Result) -> Table:
    """Return the table for a terminal."""
    made = Table(*_HEADER, title=result.benchmark)
    for measure in result.all():
        made.add_row(*measure.cells(), style="" if measure.holds else "red")
    return made


def into_page(page: str, results: Path) -> str:
    """Return a page with each saved table between its marks, ``<!-- NAME -->`` and ``<!-- /NAME -->``."""

    def saved(found: re.Match[str]) -> str:
        path = results / f"{found[2]}.md"
        return f"{found[1]}\n{path.read_text()}{found[4]}" if path.exists() else found[0]

    return re.sub(r"(<!-- (\w+) -->)(.*?)(<!-- /\2 -->)", saved, page, flags=re.DOTALL)


def repeated(count: int, times: Callable[[], Iterator[tuple[str, float]]]) -> dict[str, list[float]]:
    """Return what ``count`` rounds measured, by name; in rounds, so that a busy minute hits everything alike."""
    found: dict[str, list[float]] = {}
    for _ in range(count):
        for name, value in times():
            found.setdefault(name, []).append(value)
    return found


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(each.replace('|', '/') for each in cells)} |"


if __name__ == "__main__":
    README.write_text(into_page(README.read_text(), RESULTS))
    sys.stdout.write(f"{README} shows the tables of {RESULTS}\n")
