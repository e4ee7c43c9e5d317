"""One guard taken away: where it stands, what stands there instead, and the test that must fail then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A guard and the proof that a test holds it.

    Args:
        guard: What the guard does, in words.
        file: Source file, from the repository's root.
        lines: The guard's exact text; it must be there once.
        instead: What stands in its place.
        node: The one pytest node that must pass with the guard and fail without it.
        sees: What the failing test reports, a regular expression; so that it fails for the guard's sake.
    """

    guard: str
    file: str
    lines: str
    instead: str
    node: str
    sees: str

    def __str__(self) -> str:
        return self.guard

    def without_guard(self) -> str:
        """Return the file's text without the guard.

        Raises:
            LookupError: the guard's text is not there exactly once.
        """
        text = (ROOT / self.file).read_text()
        if (count := text.count(self.lines)) != 1:
            raise LookupError(f"{self.guard}: its lines are {count} times in {self.file}, not once:\n{self.lines}")
        return text.replace(self.lines, self.instead)
