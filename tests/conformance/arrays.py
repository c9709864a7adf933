"""Arrays of random bits, of every dtype that a file can hold, and what makes two arrays the same."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from tf2numpy._dtypes import _BITS
from tf2numpy._types import Index

EXTENDED = [name for name in _BITS if hasattr(ml_dtypes, name)]
PLAIN = [
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *(">i2", ">u8", ">f4", ">c16"),
]
SHAPES = [(), (1,), (7,), (0,), (3, 0, 2), (0, 5), (4, 5, 6), (1, 2, 1, 2, 1, 2, 1, 2, 1, 3)]


def exists(name: str) -> bool:
    """Tell whether the installed ml_dtypes has a dtype: the oldest one has no int2 and no float4."""
    return name not in _BITS or name in EXTENDED


def logical(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name)) if name in EXTENDED else np.dtype(name)


def sample(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int = 0) -> np.ndarray:
    """Give an array of random bits: NaNs with payloads, infinities and subnormals among them."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if dtype.hasobject:
        return np.array([rng.bytes(int(n)) for n in rng.integers(0, 9, count)] + [b""], object)[:-1].reshape(shape)
    bits = rng.integers(0, 256, count * dtype.itemsize, np.uint8)
    if dtype.name.endswith(("int4", "int2", "float4_e2m1fn")):
        bits &= 3 if dtype.name.endswith("int2") else 15
    if dtype.kind == "b":
        bits &= 1
    return bits.view(dtype).reshape(shape)


def assert_same(found: Any, wanted: np.ndarray) -> None:
    """Compare dtype, shape and every bit."""
    assert isinstance(found, np.ndarray)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    if wanted.dtype.hasobject:
        assert found.tolist() == wanted.tolist()
        assert all(type(element) is bytes for element in found.flat)
    else:
        assert found.tobytes() == wanted.tobytes()


def whole(shape: tuple[int, ...]) -> Index:
    return tuple(slice(0, n) for n in shape)
