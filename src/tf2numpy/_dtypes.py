"""The one table of dtypes: TensorFlow's enum, NumPy's logical dtype, the bits that go to disk.

The enum numbers are those of TensorFlow's `types.proto`. Nothing that touches a value may enter this file.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ._errors import UnsupportedKind

# enum -> name of the NumPy or ml_dtypes dtype. Quantized types are their plain integers.
_BY_ENUM = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "object",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "int8",
    12: "uint8",
    13: "int32",
    14: "bfloat16",
    15: "int16",
    16: "uint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    26: "float8_e4m3fnuz",
    27: "float8_e4m3b11fnuz",
    28: "float8_e5m2fnuz",
    29: "int4",
    30: "uint4",
    31: "int2",
    32: "uint2",
    33: "float4_e2m1fn",
}
RESOURCE = 20

# Those that Python's buffer protocol can name: numbers NumPy has itself.
PLAIN_ENUMS = frozenset((1, 2, 3, 4, 5, 6, 8, 9, 10, 17, 18, 19, 22, 23))

# One byte an element, sub-byte types too, as in TensorFlow's memory and files. TensorFlow has no kernels to slice them.
UNSLICEABLE = (
    "float8_e5m2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e4m3b11fnuz",
    "float8_e5m2fnuz",
    "int4",
    "uint4",
    "int2",
    "uint2",
    "float4_e2m1fn",
)
# Logical dtypes that NumPy itself does not name -> the unsigned integer that carries their bits.
_BITS = {"bfloat16": "uint16", **dict.fromkeys(UNSLICEABLE, "uint8")}


@functools.cache
def named(name: str) -> np.dtype[Any]:
    """Give the NumPy dtype of a logical name, "bfloat16" and "string" included.

    Raises: TypeError for a name that NumPy does not know; UnsupportedKind, which is one, for one that the installed
    ml_dtypes is too old for.
    """
    if name == "string":
        return np.dtype(object)
    if name in _BITS:
        import ml_dtypes

        scalar = getattr(ml_dtypes, name, None)
        if scalar is None:
            raise UnsupportedKind(f"this ml_dtypes ({ml_dtypes.__version__}) has no {name}; upgrade ml_dtypes")
        return np.dtype(scalar)  # type: ignore[no-any-return]
    return np.dtype(name)


def from_enum(enum: int) -> np.dtype[Any] | None:
    """Give the logical dtype of a TensorFlow enum; None for handles (resource, variant), which hold no array.

    Reference types of TensorFlow 1 (101 to 133) count as what they refer to.
    """
    name = _BY_ENUM.get(enum - 100 if enum > 100 else enum)
    return named(name) if name else None


def logical_name(dtype: np.dtype[Any]) -> str:
    """Name a dtype the way files record it and people read it; `object`, which means bytes, is "string"."""
    return "string" if dtype.hasobject else dtype.name


def is_extended(dtype: np.dtype[Any]) -> bool:
    """Tell whether NumPy's own formats cannot name this dtype (bfloat16, float8, int4 and their kin)."""
    return dtype.name in _BITS


def storage(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype whose bytes go to disk: unsigned integers for extended dtypes, else the dtype itself."""
    if not is_extended(dtype):
        return dtype
    bits: np.dtype[Any] = np.dtype(_BITS[dtype.name]).newbyteorder("<")
    return bits


def structure(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype that names an extended one in a .npy file: one field of that name, of its bits."""
    return np.dtype([(dtype.name, storage(dtype))]) if is_extended(dtype) else dtype


def from_structure(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the logical dtype that `structure` made this one of."""
    name = dtype.names[0] if dtype.names and len(dtype.names) == 1 else ""
    return named(name) if name in _BITS and dtype == structure(named(name)) else dtype
