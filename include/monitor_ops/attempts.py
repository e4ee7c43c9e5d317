"""Which retrainings brought nothing: those that a monitor has asked for since the champion was trained, by key.

Nothing is counted anywhere. The registry knows the versions, their runs know why they were trained, and the journal
knows the champion; so a promotion begins anew by itself, and a champion that was taken back counts as one that failed.
"""

from __future__ import annotations

import datetime as dt

from include.deployment.entries import State
from include.models import registry, tracking
from include.spec import UseCase


def attempts(spec: UseCase, state: State, *, as_of: dt.date) -> dict[str, tuple[dt.date, ...]]:
    """Return the days of the retrainings that no champion has come of, by key, the oldest first.

    Those count that a monitor has asked for, not the ones of a schedule: they come anyway, and show no less for it. A
    version that still waits for its approval counts, so that no second one is asked for meanwhile.

    Args:
        spec: The use case.
        state: What is live.
        as_of: Versions that were trained as of a later day do not count.

    Raises:
        TransientError: MLflow is away.
    """
    asked = {
        run.data.tags[tracking.PIPELINE_RUN]
        for run in tracking.runs_of(spec.name, f"tags.`{tracking.DRIFT_CONFIRMED}` != ''")
    }
    found = {}
    for key, versions in registry.trainings(spec).items():
        champion = state.of(key).champion
        since = next((each for each in versions if champion and each.version == champion.version), None)
        tried = [each for each in versions if each.pipeline_run in asked and each.as_of <= as_of]
        found[key] = tuple(each.as_of for each in tried if since is None or each > since)
    return found
