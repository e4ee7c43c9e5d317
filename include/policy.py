"""What follows from what a monitor finds: the answers of a spec's owner, given before anything has happened.

Whatever stands here, a data fault never asks for a training: a model that learns a fault keeps it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from include.part import Part, Share


class Policy(Part):
    """What to do about each finding; ``call`` has the team look, and changes nothing by itself."""

    on_data_fault: Literal["stop", "call"] = Field(
        default="stop",
        description="the data is wrong. stop: the fall-back answers until a person switches the models on again, and "
        "the team is called; call: the models go on meanwhile",
    )
    on_lost: Literal["roll back", "call"] = Field(
        default="roll back",
        description="the champion before would have been better on the same rows. roll back: it decides again",
    )
    on_unfair: Literal["stop", "call"] = Field(
        default="call",
        description="a group gets the favourable outcome too seldom by the limits of the gates. stop: as for a data "
        "fault",
    )
    on_performance: Literal["retrain", "call"] = Field(
        default="retrain", description="the truth says that the champion is worse than was promised, beyond the margin"
    )
    on_drift: Literal["retrain", "watch", "call"] = Field(
        default="retrain",
        description="inputs or scores have drifted, confirmed over windows, and no data is wrong. watch: where the "
        "truth is known a day later, it decides",
    )
    on_selection: Literal["retrain", "watch", "call"] = Field(
        default="call",
        description="the confirmed drift is another mix of groups, inside of which all is as before: the model still "
        "holds for each of them",
    )
    margin: Share = Field(
        default=0.05,
        description="share of the promised level by which the champion may miss it: with .05, a promised AUC of .78 is "
        "broken where the whole interval of a window's AUC lies below .741, and an error of 4 % where it lies above "
        "4.2 %",
    )
    first_wait: int = Field(
        default=1, ge=1, description="windows to wait after a retraining that did not end what was found"
    )
    wait_factor: float = Field(
        default=2.0, ge=1, description="by how much the wait grows with each further one; 2: after 1, 2, 4, 8 windows"
    )
    max_wait: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="windows after which is tried again at the latest; then the team is called",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.first_wait > self.max_wait:
            raise ValueError(f"first_wait is {self.first_wait}, more than max_wait, {self.max_wait}; make it smaller")
        return self
