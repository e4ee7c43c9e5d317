"""Train a registered recommender again from its record, and say whether it scores the same to the last digit."""

from __future__ import annotations

import hashlib

from include.data.tables import Table
from include.models import keyed, registry, tracking
from include.models.reproduce import Reproduction
from include.naming import model_name
from include.recommend_ops import artifact
from include.recommend_ops.purchases import purchases
from include.recommend_ops.training import fitted, known_to
from include.recommendation import TASKS, Recommendation
from include.recommending.recommender import Recommender


def reproduce(spec: Recommendation, key: str, version: int) -> Reproduction:
    """Fit a market's version again from the same table's version, and compare the scores of every household.

    Raises:
        ArtifactError: the registry has no such version, or its files are not those that were registered.
        MissingMetricError: its run has no record of the training.
    """
    ref = registry.model_ref(model_name(spec.name, key), version)
    evaluation, registered = registry.recommendation_of(ref), artifact.load(ref)
    training = keyed.record_of(tracking.parent_of(ref.run_id))
    seen = purchases(spec, as_of=training.as_of, version=training.versions[spec.datasets[0].table])
    x = known_to(spec, seen, key, training.as_of)
    weights = {task: registered.about["weights"].get(task, {}) for task in TASKS}
    chosen = {task: evaluation.chosen[task] for task in TASKS}
    again = fitted(spec, x, seen.products, key, chosen, weights)
    gone = [each for table, number in training.versions.items() for each in Table(spec.name, table).erasures(number)]
    return Reproduction.compared(training, _digest(registered), _digest(again), rows=len(again.users), erased=gone)


def _digest(made: Recommender) -> str:
    total = hashlib.sha256()
    for array in (made.users, made.items, made.rebuy, made.discover, made.weights):
        total.update(array.tobytes())
    return total.hexdigest()
