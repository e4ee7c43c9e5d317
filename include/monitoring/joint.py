"""Do the columns differ together though each looks as before: a classifier tries to tell window from reference.

It learns on four fifths and ranks the fifth it has not seen; each fold's ranks are tested for themselves and the five
results put together, so the null needs no permutation (Lopez-Paz & Oquab, 2017, with Mann & Whitney's test, 1947).

The five do depend on each other: what one fold says of two rows, the one learning and the other tested, another says
again with the parts exchanged. A learner that is linear in the labels says twice the same, so the variance of the sum
is twice that of five tests; other learners repeat themselves less. So twice is what is taken.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import stats

from include.records import Record

_FOLDS, _FEWEST = 5, 50
_REPEATED = 2  # how much more the folds' sum varies than that of tests that do not depend on each other, at most
_ROUNDS, _LEAVES, _PACE = 20, 8, 0.2  # half as many rounds at twice the pace see as much as the usual ones here


class JointDrift(Record):
    """How well window and reference can be told apart by all columns together."""

    rows: int = Field(description="rows of each side that were looked at, the smaller number")
    auc: float = Field(description="out-of-fold area under the ROC curve: .5 where they cannot be told apart")
    p_value: float = Field(description="one-sided, of an area of one half")

    @property
    def effect(self) -> float:
        """Return the area's distance from chance, 0 to 1."""
        return max(0.0, 2 * self.auc - 1)


def told_apart(reference: np.ndarray, window: np.ndarray, *, seed: int) -> JointDrift | None:
    """Test whether two samples of cells differ, both of shape (rows, columns); none where they are too small.

    It takes rows that do not depend on each other.
    """
    if min(len(reference), len(window)) < _FEWEST or reference.shape[1] < 2:
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    cells = np.vstack([reference, window]).astype(np.float64)
    side = np.repeat([0, 1], [len(reference), len(window)])
    areas, deviations = [], []
    with threadpool_limits(1, user_api="openmp"):  # more lose much on a busy machine, and gain nothing here
        for fit, rest in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(cells, side):
            learner = HistGradientBoostingClassifier(
                max_iter=_ROUNDS, max_leaf_nodes=_LEAVES, learning_rate=_PACE, early_stopping=False, random_state=seed
            )
            scores = learner.fit(cells[fit], side[fit]).predict_proba(cells[rest])[:, 1]
            area, variance = _ranked(scores, side[rest])
            areas.append(area)
            deviations.append((area - 0.5) / np.sqrt(variance))
    p_value = float(stats.norm.sf(np.sum(deviations) / np.sqrt(_REPEATED * _FOLDS)))
    return JointDrift(rows=min(len(reference), len(window)), auc=float(np.mean(areas)), p_value=p_value)


def _ranked(scores: np.ndarray, side: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve, and its variance if the scores say nothing; ties are corrected for."""
    ones, total = int(side.sum()), len(side)
    ranks = stats.rankdata(scores)
    area = (ranks[side == 1].sum() - ones * (ones + 1) / 2) / (ones * (total - ones))
    ties = np.unique(scores, return_counts=True)[1].astype(float)
    shared = (ties**3 - ties).sum() / (total * (total - 1))
    return float(area), float((total + 1 - shared) / (12 * ones * (total - ones))) or 1.0
