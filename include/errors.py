"""Every error a person will read: built from facts, so that the sentence is the same wherever it is raised.

An error says what was expected, what was seen, where, and what to do next. Whether trying again can help is part of
the error, for the orchestrator's retry policy asks its class, not its text.
"""

from __future__ import annotations

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m|↳")


class FlightdeckError(Exception):
    """An error with its facts; ``str()`` gives the sentence, in one line whatever a library's own words look like."""

    def __init__(self, *, expected: str, seen: str, where: str, next_step: str) -> None:
        self.expected, self.seen, self.where, self.next_step = map(_line, (expected, seen, where, next_step))
        super().__init__(f"{self.where}: expected {self.expected}, but saw {self.seen}. Next: {self.next_step}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.expected, self.seen, self.where, self.next_step)


def _line(said: str) -> str:
    """Return a text without line breaks, colours and branches, which deltalake's and pydantic's own messages have."""
    return " ".join(_COLOURS.sub("", said).split())


def _rebuild(kind: type[FlightdeckError], expected: str, seen: str, where: str, next_step: str) -> FlightdeckError:
    return kind(expected=expected, seen=seen, where=where, next_step=next_step)


class TransientError(FlightdeckError):
    """A service was away or busy: the same call can succeed later."""


class OverloadedError(TransientError):
    """More came than can be taken: what was refused was not begun, and may come again after a while."""

    def __init__(self, *, retry_after: float = 1.0, **facts: str) -> None:
        super().__init__(**facts)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"retry_after": self.retry_after})


class PermanentError(FlightdeckError):
    """Trying again changes nothing; a person or other data must."""


class ContractError(PermanentError):
    """A batch broke its data contract and was stopped before anything was written."""


class SourceError(PermanentError):
    """A source has no such partition, or not in the form that was promised."""


class MissingMetricError(PermanentError):
    """A number that a decision needs was never computed."""


class GateError(PermanentError):
    """A gate does not hold, and nobody overrode it in writing."""


class ApprovalError(PermanentError):
    """An approval is absent, expired, forged, or given by somebody who may not give it."""


class ExperimentError(PermanentError):
    """An experiment was planned with numbers that cannot be, or its observations are not what was planned."""


class StaleComparisonError(PermanentError):
    """The champion changed after the candidate was compared with it."""


class ArtifactError(PermanentError):
    """A model artifact is missing, altered, untrusted or cannot do what its signature says."""


class JournalError(PermanentError):
    """The journal's chain does not verify, or an entry cannot be what it claims."""


class ForecastError(PermanentError):
    """Base forecasts or their history cannot be made into coherent forecasts with honest intervals."""


class LogError(PermanentError):
    """A line of the prediction log is not as it was written, or cannot be written as one."""


class BackupError(PermanentError):
    """A back-up is not whole, not of this deployment, or would be restored onto something."""
