"""What a monitor of a classifier has found on a day; kept with its run, and what its page is made of."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from include.monitor_ops.operations import Operations
from include.monitor_ops.quality import Quality
from include.monitoring.diagnosis import Diagnosis
from include.monitoring.verdict import Verdict
from include.records import Comparison, Estimate, Record


class Findings(Record):
    """All that a monitor has found about a champion on a day."""

    version: int = Field(description="of the model that decides")
    first_day: dt.date = Field(description="of the newest window")
    last_day: dt.date
    diagnosis: Diagnosis
    operations: Operations
    qualities: tuple[Quality, ...] = Field(description="windows whose labels are there, oldest first")
    foretold: dict[str, Estimate] = Field(description="metrics of the newest window by its scores alone")
    rivals: tuple[Comparison, ...] = Field(description="the champion beside other versions on the same rows")
    aside: tuple[str, ...] = Field(description="labels that count for nothing, and why")
    waiting: int = Field(description="scored rows whose labels are not there yet")
    verdict: Verdict
