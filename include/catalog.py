"""Find a use case by its name: the spec lives in ``include.use_cases.<name>`` as ``SPEC``.

``FLIGHTDECK_USE_CASES`` may name further packages to look in, so that a use case can live in a repository of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from include.classification import Classification
from include.errors import PermanentError
from include.spec import UseCase


def use_case(name: str) -> UseCase:
    """Return the spec of a use case.

    Raises:
        PermanentError: no package that is looked in has a module of that name.
    """
    packages = ["include.use_cases", *os.environ.get("FLIGHTDECK_USE_CASES", "").split()]
    for package in packages:
        try:
            module = importlib.import_module(f"{package}.{name}")
        except ModuleNotFoundError as error:
            if error.name not in (f"{package}.{name}", package, *_parents(package)):
                raise
            continue
        spec: UseCase = module.SPEC
        return spec
    raise PermanentError(
        expected="a use case of this name",
        seen=f"no module '{name}' in {', '.join(packages)}",
        where="catalog",
        next_step="check the name, or add the package to FLIGHTDECK_USE_CASES",
    )


def classification(name: str) -> Classification:
    """Return the spec of a use case whose models decide about rows.

    Raises:
        PermanentError: there is no such use case, or it is of another kind.
    """
    spec = use_case(name)
    if not isinstance(spec, Classification):
        raise PermanentError(
            expected=f"'{name}' to be a {Classification.__name__}",
            seen=f"a {type(spec).__name__}",
            where="catalog",
            next_step="this step is for models that decide about rows alone",
        )
    return spec


def resolve(path: str) -> Callable[..., Any]:
    """Return the function that a ``module:function`` path of a spec names."""
    module, _, attribute = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return function


def _parents(package: str) -> list[str]:
    parts = package.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]
