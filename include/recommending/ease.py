"""EASE: every item regressed on all others at once, in closed form (Steck 2019, arXiv 1905.03375).

Inputs may have more columns than items: how much of each type and department a household buys, rare products included.
They are regressed with and from like items, only never recommended.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import linalg
from threadpoolctl import threadpool_limits

from include.recommending.interactions import Array, Interactions
from include.recommending.models import Linear


def ease(
    x: Interactions, *, penalty: float = 1000.0, types: float = 0.0, departments: float = 0.0,
    half_life: float | None = None,
) -> Linear:  # fmt: skip
    """Fit EASE on what was ever bought.

    Args:
        x: The interactions.
        penalty: λ of the ridge regressions.
        types: Weight of the inputs "ever bought a product of the type"; 0 leaves them out.
        departments: Weight of the inputs "logarithm of one plus the different products bought of a department".
        half_life: An item that was not bought for long counts less: the faded visits, at most 1.
    """
    items = x.bought
    if half_life is not None:
        items = x.decayed(half_life)
        items.data = np.minimum(items.data, np.float32(1))
    return _fit(x, items, penalty, types, departments)


def basket_weights(x: Interactions) -> Linear:
    """Fit EASE on items alone: what one item in a basket says of the others."""
    return ease(x, penalty=1000)


def ease_counts(x: Interactions, *, penalty: float = 300.0, half_life: float = 120.0) -> Linear:
    """Fit EASE on the logarithm of one plus the faded visits: what a household goes on buying, for rebuying."""
    items = x.decayed(half_life)
    items.data = np.log1p(items.data)
    return _fit(x, items, penalty, 0.0, 0.0)


def _fit(x: Interactions, items: sp.csr_array, penalty: float, types: float, departments: float) -> Linear:
    parts = [items]
    if types or departments:
        kinds, areas = x.tastes()
        if types:
            parts.append((kinds > 0).astype(np.float32) * np.float32(types))
        if departments:
            areas.data = np.log1p(areas.data) * np.float32(departments)
            parts.append(areas)
    inputs = sp.csr_array(sp.hstack(parts, format="csr")) if len(parts) > 1 else items
    return Linear(inputs, solve(inputs, len(x.items), penalty))


def solve(inputs: sp.csr_array, items: int, penalty: float) -> Array:
    """Return the weights of EASE, shape (features, items).

    With G = MᵀM and P = (G + λI)⁻¹ they are −P[j, i] / P[i, i], and 0 from an item to itself. Where there are fewer
    users than features, P comes from the users' side: λP = I − Mᵀ(MMᵀ + λI)⁻¹M, the same numbers for less.
    """
    with threadpool_limits(1):
        weights = (_by_users if inputs.shape[0] < inputs.shape[1] else _by_features)(inputs, items, penalty)
    weights[np.arange(items), np.arange(items)] = 0
    return weights


def _by_features(inputs: sp.csr_array, items: int, penalty: float) -> Array:
    gram = _square(inputs.T @ inputs, penalty, np.dtype(np.float64))
    factor, failed = linalg.lapack.dpotrf(gram, lower=True, clean=True, overwrite_a=True)
    if not failed:
        factor, failed = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise np.linalg.LinAlgError(f"the Gram matrix is not positive definite (LAPACK {failed})")
    inverse = (factor + factor.T)[:, :items]  # the upper half of the factor is 0; the diagonal is halved again below
    diagonal = inverse[np.arange(items), np.arange(items)] / 2
    return (inverse / -diagonal).astype(np.float32)


def _by_users(inputs: sp.csr_array, items: int, penalty: float) -> Array:
    """λ keeps the kernel's condition in the hundreds, so single precision is enough here."""
    wide = np.asarray(inputs.toarray(order="F"), dtype=np.float32)
    kernel = _square(inputs @ inputs.T, penalty, np.dtype(np.float32))
    factor = linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    solved = linalg.cho_solve(factor, wide[:, :items], check_finite=False)
    own = np.einsum("ui,ui->i", wide[:, :items], solved, dtype=np.float64)
    return (wide.T @ solved) / (1 - own).astype(np.float32)


def _square(product: sp.csr_array, penalty: float, kind: np.dtype) -> NDArray[np.floating]:
    dense = np.asarray(product.toarray(), dtype=kind, order="F")
    dense[np.arange(len(dense)), np.arange(len(dense))] += penalty
    return dense
