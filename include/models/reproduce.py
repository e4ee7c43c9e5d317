"""Rebuild a registered version from its record, and say whether its predictions are the same to the last digit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

from include.classification import Classification
from include.data import snapshots
from include.models import provenance, registry, tracking
from include.models.evaluation import predictions_digest, trained_until
from include.models.fitting import fit_calibrated
from include.naming import model_name
from include.records import Fitted, KeyedTraining, Training

Erasures = list[tuple[dt.datetime, int]]


@dataclass(frozen=True)
class Reproduction:
    """What a rebuild came to.

    Args:
        identical: Whether the predictions have the registered digest.
        registered: Digest of the predictions at training.
        rebuilt: Digest of the rebuilt model's predictions.
        rows: Fresh rows that were predicted.
        same_lock: Whether the lock file is the one of the training.
        same_code: Whether the commit is the one of the training.
        erased: When rows were erased since, and how many.
    """

    identical: bool
    registered: str
    rebuilt: str
    rows: int
    same_lock: bool
    same_code: bool
    erased: Erasures

    @classmethod
    def compared(
        cls, record: KeyedTraining | Training, registered: str, rebuilt: str, *, rows: int, erased: Erasures
    ) -> Self:
        """Return what a rebuild came to beside the record of its training."""
        return cls(
            identical=rebuilt == registered,
            registered=registered,
            rebuilt=rebuilt,
            rows=rows,
            same_lock=provenance.lock_digest() == record.lock_digest,
            same_code=provenance.git_commit() == record.git_commit,
            erased=erased,
        )

    @property
    def sentence(self) -> str:
        """Return the result for people."""
        if self.identical:
            return f"identical: {self.rows} predictions with digest {self.rebuilt[:16]}"
        if self.erased:
            gone = ", ".join(f"{count} rows on {when:%Y-%m-%d %H:%M} UTC" for when, count in self.erased)
            return f"not to be reproduced: data was erased since ({gone})"
        causes = [name for name, same in (("lock file", self.same_lock), ("code", self.same_code)) if not same]
        why = f"the {' and the '.join(causes)} changed since" if causes else "lock file and code are the same"
        return f"different: digest {self.rebuilt[:16]}, registered {self.registered[:16]}; {why}"


def reproduce(spec: Classification, version: int) -> Reproduction:
    """Fit a version again from the same snapshot, configuration and seed, and compare its predictions.

    Raises:
        ArtifactError: the registry has no such version.
        MissingMetricError: its run has no record of the training.
    """
    ref = registry.model_ref(model_name(spec.name), version)
    evaluation = registry.classification_of(ref)
    training = tracking.load_record(ref.run_id, tracking.TRAINING, Training)
    fitted = tracking.load_record(ref.run_id, f"families/{evaluation.family}.json", Fitted)
    registered = tracking.param(ref.run_id, "predictions_digest")

    rows = snapshots.read(spec, training.snapshot)
    boundary = trained_until(spec, training.snapshot)
    model, _ = fit_calibrated(spec, fitted.family, fitted.params, rows.loc[rows["day"] <= boundary], training.seed)
    fresh = rows.loc[rows["day"] > boundary]
    rebuilt = predictions_digest(model.predict(fresh[spec.model_columns]))
    return Reproduction.compared(
        training, registered, rebuilt, rows=len(fresh), erased=snapshots.erased_since(spec, training.snapshot)
    )
