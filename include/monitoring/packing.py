"""Small arrays as text, so that a profile is one JSON document."""

from __future__ import annotations

import base64
import zlib
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, PlainSerializer


def pack(array: np.ndarray) -> str:
    """Return an array of integers as text: type, shape, and its bytes compressed."""
    shape = "x".join(map(str, array.shape))
    return f"{array.dtype.str}:{shape}:{base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()}"


def unpack(text: str) -> np.ndarray:
    """Return the array that ``pack`` has made into text."""
    kind, shape, body = text.split(":", 2)
    flat = np.frombuffer(zlib.decompress(base64.b64decode(body)), dtype=np.dtype(kind))
    return flat.reshape([int(each) for each in shape.split("x")])


def _validated(value: Any) -> np.ndarray:
    return unpack(value) if isinstance(value, str) else np.asarray(value)


PackedArray = Annotated[np.ndarray, BeforeValidator(_validated), PlainSerializer(pack, return_type=str)]
