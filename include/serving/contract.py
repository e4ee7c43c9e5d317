"""A use case's contract as the schema of a request: typed by column, and what lies outside of its range by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from include.classification import Classification
from include.errors import PermanentError
from include.serving.answers import RefusedError
from include.spec import Column, Role

MOST_ROWS = 100
_EXACT = 2**53  # larger whole numbers are not exact in a double
_TYPES: dict[str, Any] = {"integer": int, "number": float, "boolean": bool, "string": str}
_CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=False)


@dataclass(frozen=True)
class Cases:
    """How a use case's cases are read.

    Args:
        one: The schema of one case.
        many: The schema of several.
        unit: Returns whom a case is about.
        values: Returns the model's columns of a case, in the contract's order.
        columns: Their names.
        outside: Returns what is outside of its range in the columns of a case.
    """

    one: type[BaseModel]
    many: type[BaseModel]
    unit: Callable[[Any], Any]
    values: Callable[[Any], tuple[Any, ...]]
    columns: tuple[str, ...]
    outside: Callable[[Sequence[Any]], list[str]]

    def read(self, body: bytes) -> tuple[list[Any], bool]:
        """Return the cases in a body, and whether they came as several.

        Raises:
            RefusedError: 422, with the fields that are wrong.
        """
        try:
            if b'"rows"' in body:
                return self.many.model_validate_json(body).rows, True  # type: ignore[attr-defined]
            return [self.one.model_validate_json(body)], False
        except ValidationError as error:
            raise invalid(error) from error


def cases_of(spec: Classification) -> Cases:
    """Return how the cases of a use case are read.

    Raises:
        PermanentError: a column of the model is no number, so no request can be scored.
    """
    served = [spec.contract.column(name) for name in spec.model_columns]
    if wrong := [each.name for each in served if each.dtype in ("string", "datetime")]:
        raise PermanentError(
            expected="model columns that are numbers",
            seen=f"{wrong}",
            where=f"serving of {spec.name}",
            next_step="give them as numbers, or leave `serving` out of the spec",
        )
    refuse = spec.serving is not None and spec.serving.out_of_range == "refuse"
    whom = spec.contract.column(spec.contract.key)
    fields = {f"column_{place}": _field(column, bounded=refuse) for place, column in enumerate(served)}
    name = "".join(part.capitalize() for part in spec.name.split("_"))
    # The contract's names are aliases: as attributes they could be in pydantic's way.
    one = create_model(f"{name}Case", __config__=_CONFIG, unit=_field(whom, bounded=refuse), **fields)
    one.__doc__ = f"One case of {spec.title}."
    rows = (list[one], Field(min_length=1, max_length=MOST_ROWS, description="the cases"))  # type: ignore[valid-type]
    many: Any = create_model(f"{name}Cases", __config__=_CONFIG, rows=rows)
    many.__doc__ = f"Several cases of {spec.title}."
    getter = attrgetter(*fields)
    values = getter if len(fields) > 1 else lambda case: (getter(case),)
    return Cases(one, many, attrgetter("unit"), values, tuple(spec.model_columns), _outside(served))


def invalid(error: ValidationError) -> RefusedError:
    """Return a refusal that names each field that is wrong."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = [{"field": ".".join(map(str, each["loc"])), "problem": each["msg"]} for each in found[:20]]
    first = fields[0]
    named = f"{first['field']}: " if first["field"] else ""
    return RefusedError(422, "invalid_request", f"{named}{first['problem']}", fields=fields)


def _field(column: Column, *, bounded: bool) -> Any:
    """Return type and description of a column; its range only where the schema is to refuse what is outside."""
    kind = _TYPES[column.dtype]
    limits: dict[str, Any] = {}
    described = column.description
    if bounded and column.allowed is not None:
        kind = Literal[column.allowed]
    elif column.dtype == "integer":
        limits = {"ge": -_EXACT, "le": _EXACT}
        if bounded:
            limits = {"ge": _or(column.minimum, -_EXACT), "le": _or(column.maximum, _EXACT)}
    elif column.dtype == "string":
        limits = {"min_length": 1, "max_length": 200}
    elif bounded:
        limits = {name: limit for name, limit in (("ge", column.minimum), ("le", column.maximum)) if limit is not None}
    if not bounded and column.role is not Role.IDENTIFIER and (said := _range(column)):
        described = f"{described}; flagged outside of {said}".lstrip("; ")
    held = Annotated[kind, Field(**limits)] if limits else kind
    if column.dtype == "integer":
        held = Annotated[held, BeforeValidator(_whole)]
    if column.nullable and column.role is not Role.IDENTIFIER:
        held = held | None
    return (held, Field(alias=column.name, description=described))


def _whole(given: Any) -> Any:
    """Return 2 for 2.0, which JSON's schema takes for a whole number; strict types take neither texts nor booleans."""
    return int(given) if type(given) is float and given.is_integer() else given


def _or(limit: float | None, other: int) -> int:
    return other if limit is None else int(limit)


def _range(column: Column) -> str:
    if column.allowed is not None:
        return ", ".join(map(str, column.allowed))
    low, high = column.minimum, column.maximum
    if low is None and high is None:
        return ""
    return f"{'−∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"


def _outside(columns: Sequence[Column]) -> Callable[[Sequence[Any]], list[str]]:
    inf = float("inf")
    bounds = [
        (_or_float(column.minimum, -inf), _or_float(column.maximum, inf), frozenset(column.allowed or ()))
        for column in columns
    ]

    def outside(values: Sequence[Any]) -> list[str]:
        return [
            f"{column.name}: {value:g} is outside of {_range(column)}"
            for column, value, (low, high, allowed) in zip(columns, values, bounds, strict=True)
            if value is not None and (not low <= value <= high or (allowed and value not in allowed))
        ]

    return outside


def _or_float(limit: float | None, other: float) -> float:
    return other if limit is None else limit
