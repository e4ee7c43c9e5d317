"""Breast tumours: malignant or benign, from the measured nuclei of 569 biopsies (Wisconsin; in scikit-learn)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from include.classification import Candidate, Classification, Costs, Gates
from include.spec import Column, Contract, Monitoring, Risk, Role, Source

if TYPE_CHECKING:
    from include.data.sources import Batch

A_DAY = 9
MEASURES = ("mean_radius", "mean_texture", "mean_smoothness", "mean_concavity", "mean_symmetry", "worst_area")

SPEC = Classification(
    name="tumours",
    title="Breast tumours",
    owner="nora",
    team="pathology-oncall",
    goal="Have the biopsies that are malignant looked at first.",
    kpi="cost of the order",
    kpi_unit="hours of delay",
    risk=Risk(likelihood=2, impact=3, reasons=("The order changes, not the diagnosis: every biopsy is looked at.",)),
    source=Source(
        fetch="tests.second_use_case.tumours:fetch",
        description="Wisconsin diagnostic data, nine biopsies a made-up day",
        licence="CC BY 4.0; Wolberg, Mangasarian, Street and Street (1993)",
        history_days=56,
    ),
    contract=Contract(
        columns=(
            Column(name="biopsy", dtype="integer", role=Role.IDENTIFIER, description="number of the biopsy"),
            *(Column(name=name, dtype="number", minimum=0, maximum=10_000) for name in MEASURES),
            Column(name="malignant", dtype="integer", role=Role.TARGET, allowed=(0, 1)),
        ),
        min_rows=5,
    ),
    label_delay_days=2,
    fresh_days=20,
    candidates=(
        Candidate(name="logistic", build="include.models.candidates:logistic", search={"C": (0.1, 1.0)}),
        Candidate(name="scorecard", build="include.models.candidates:scorecard", interpretable=True),
    ),
    search_budget=3,
    costs=Costs(unit="hours of delay", false_accept=48, false_decline=1),
    gates=Gates(
        non_inferiority_margin=0.01,
        max_champion_age_days=90,
        max_calibration_error=0.2,
    ),
    monitoring=Monitoring(window_days=4, min_rows=30),
)


def fetch(spec: Classification, day: dt.date) -> Batch:
    """Return the biopsies of a day."""
    from sklearn.datasets import load_breast_cancer

    from include.data.replay import recorded_day
    from include.data.sources import Batch

    loaded = load_breast_cancer(as_frame=True)
    rows = loaded.data.rename(columns=lambda name: name.replace(" ", "_"))[list(MEASURES)].astype(float)
    rows = rows.assign(biopsy=range(len(rows)), malignant=1 - loaded.target).sample(frac=1, random_state=spec.seed)
    place = recorded_day(spec, day, days=len(rows) // A_DAY)
    arrived = rows.iloc[place * A_DAY : (place + 1) * A_DAY].reset_index(drop=True)
    return Batch(rows=arrived.drop(columns="malignant"), truth=arrived[["biopsy", "malignant"]].assign(day=day))
