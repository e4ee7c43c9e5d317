"""Which retrainings did not end what they were asked for: those that a monitor has asked for, the champion's included.

Nothing is counted anywhere. The registry knows the versions, their runs know why they were trained, and the journal
knows the champion; so a promotion begins anew by itself, and a champion that was taken back counts as one that failed.
A champion that a monitor has asked for is the first to count: what is found of it again, a model of the same rows would
show again, and where the truth comes late it would be asked for the same day, and promoted, without an end.
"""

from __future__ import annotations

import datetime as dt

from include.deployment.entries import State
from include.models import registry, tracking
from include.spec import UseCase


def attempts(spec: UseCase, state: State, *, as_of: dt.date) -> dict[str, tuple[dt.date, ...]]:
    """Return the days of the retrainings since the champion's own, that one included, by key, the oldest first.

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
        found[key] = tuple(each.as_of for each in tried if since is None or each >= since)
    return found
